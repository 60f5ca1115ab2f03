"""The steps, one per file. A step that was released never changes."""
