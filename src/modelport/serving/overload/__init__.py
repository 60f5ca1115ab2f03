"""What a worker refuses or gives up when more comes than it can do."""
