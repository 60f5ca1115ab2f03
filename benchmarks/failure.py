"""The one error of this package."""

from __future__ import annotations


class BenchmarkError(Exception):
    """A run that must not be quoted: a peer that did not start, a wrong answer, a failed request."""
