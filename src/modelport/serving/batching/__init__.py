"""What waits, and which of it shares the next batch."""
