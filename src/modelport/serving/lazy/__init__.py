"""Models that are loaded when they are asked, within a budget of bytes."""
