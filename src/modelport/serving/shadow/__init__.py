"""Calls repeated at another slot after their answer, and compared."""
