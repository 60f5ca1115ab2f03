"""Public: what tests of our own and of plugins need. Each thing is imported from its file."""
