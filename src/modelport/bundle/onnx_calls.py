"""Who calls whom among the functions of an ONNX model: nobody itself, and together not too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from modelport.errors import BundleRefused

Name = tuple[str, str, str]
"""A function: domain, name, overload."""

Calls = Mapping[Name | None, Counter[Name]]
"""How often each function names each operator; None is the main graph."""


def check_calls(calls: Calls, most: int, depth: int) -> None:
    """Check that calls end, within `depth`, and grow to at most `most` nodes when written out.

    Runtimes write functions out in place, so ten functions that call each other ten times make 10^10 nodes.
    Raises `BundleRefused` (`onnx-recursive`, `onnx-too-deep`, `onnx-too-large`).
    """
    size: dict[Name | None, int] = {}
    for root in calls:
        path = [] if root in size else [root]
        while path:
            here = path[-1]
            _step(calls, size, path)
            if len(path) > depth:
                msg = f"functions call each other deeper than {depth}"
                raise BundleRefused(msg, code="onnx-too-deep")
            if size.get(here, 0) > most:
                msg = f"functions grow to more than {most} nodes"
                raise BundleRefused(msg, code="onnx-too-large")


def _step(calls: Calls, size: dict[Name | None, int], path: list[Name | None]) -> None:
    """One step of a depth-first walk: go into a callee that has no size yet, or size the caller."""
    callees = calls[path[-1]]
    waiting = next((name for name in callees if name in calls and name not in size), None)
    if waiting is None:
        size[path.pop()] = sum(count * size.get(name, 1) for name, count in callees.items())
    elif waiting in path:
        msg = f"the function {waiting[1][:60]!a} calls itself"
        raise BundleRefused(msg, code="onnx-recursive")
    else:
        path.append(waiting)
