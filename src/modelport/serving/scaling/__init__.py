"""How many instances of a slot run."""
