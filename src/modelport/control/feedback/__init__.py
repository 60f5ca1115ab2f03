"""Feedback (CONTRACTS 6): truths come in any order, meet their predictions, and become evidence."""
