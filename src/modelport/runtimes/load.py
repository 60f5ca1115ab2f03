"""From an opened bundle to a predictor: read, audit, construct, in that order."""

from __future__ import annotations

from modelport.bundle.reader import Bundle
from modelport.bundle.trust import audit
from modelport.runtimes.base import Predictor
from modelport.runtimes.golden import replay
from modelport.runtimes.registry import runtime

__all__ = ["load", "replay"]


def load(bundle: Bundle, threads: int = 1) -> Predictor:
    """The predictor of an opened bundle, on `threads` threads. Nothing of it is loaded before the audit.

    Raises `BundleRefused` or `BundleCorrupt`.
    """
    audit(bundle)
    return runtime(bundle.manifest.runtime).load(bundle, threads)
