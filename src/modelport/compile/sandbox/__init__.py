"""Untrusted work in a process of its own, which can compute and answer, and nothing else."""
