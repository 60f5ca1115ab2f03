"""An ONNX graph read as bytes, before any runtime sees it.

A small scanner over the protobuf wire format: no dependency, nothing built from declared sizes, one pass.
It counts, checks what shapes and external data claim, and refuses what no honest model has: foreign operator
domains, functions that call themselves, graphs beyond the limits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from modelport.bundle.onnx_calls import Name, check_calls
from modelport.bundle.onnx_opsets import check_domains, domain_of, take_opset
from modelport.bundle.onnx_tensors import External, check_tensor, elements, outside
from modelport.bundle.onnx_types import check_type
from modelport.bundle.protowire import BYTES, Span, Value, corrupt, fields, signed, varints, whole
from modelport.errors import BundleCorrupt, BundleRefused

MAX_IR = 14


@dataclass(frozen=True, slots=True)
class Limits:
    """What a graph may have at most. `calls` counts nodes with every function call written out."""

    nodes: int = 200_000
    calls: int = 1_000_000
    tensors: int = 200_000
    functions: int = 2_000
    depth: int = 32
    values: int = 10_000


@dataclass(frozen=True, slots=True)
class OnnxFacts:
    """What a graph holds, by the scanner's count.

    Attributes:
        ir_version: of the file format.
        opsets: newest version per domain, "ai.onnx" written as "".
        nodes: in the graph, its subgraphs and functions.
        initializers: dense and sparse, in the graph and its subgraphs.
        functions: model-local functions.
        depth: 1 for a graph without subgraphs.
        inputs, outputs: names of the main graph, in order.
        operators: how often each (domain, operator) is used.
        external: initializers of the main graph whose bytes lie in sibling files, in their order.
    """

    ir_version: int
    opsets: Mapping[str, int]
    nodes: int
    initializers: int
    functions: int
    depth: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: Mapping[tuple[str, str], int]
    external: tuple[External, ...]


def scan(data: bytes, limits: Limits | None = None) -> OnnxFacts:
    """Read the ONNX model in `data`.

    Raises `BundleRefused` with code `onnx-too-large`, `onnx-too-deep`, `onnx-domain`, `onnx-opset`,
    `onnx-recursive`, `onnx-training`, `onnx-tensor-size` or `onnx-external-data`; `BundleCorrupt` with
    `onnx-corrupt` or `onnx-tensor-bytes`.
    """
    walk = _Walk(limits or Limits())
    walk.model(whole(data))
    return walk.facts()


def looks_like_model(data: bytes) -> bool:
    """Whether the top level of `data` reads as an ONNX model: known fields and exactly one graph."""
    try:
        numbers = Counter(number for number, _, _ in fields(whole(data)))
    except BundleCorrupt:
        return False
    return numbers[7] == 1 and set(numbers) <= {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}


# Long runs of scalars in an attribute (a forest has millions): floats (7), ints (8), node modes (9).
_SCALARS = re.compile(
    rb"(?:\x3d[\x00-\xff]{4})++|(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++|(?:\x4a(?:\x0aBRANCH_LEQ|\x04LEAF|\x09BRANCH_LT))++"
)


@dataclass(slots=True)
class _Walk:
    """One pass over a model; what it saw so far."""

    limits: Limits
    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: dict[Name | None, Counter[Name]] = field(default_factory=dict)
    external: list[External] = field(default_factory=list)
    names: dict[int, list[str]] = field(default_factory=lambda: {11: [], 12: []})
    initializers: int = 0
    tensors: int = 0
    depth: int = 0
    graphs: int = 0
    here: Name | None = None

    def facts(self) -> OnnxFacts:
        return OnnxFacts(
            self.ir_version,
            self.opsets,
            self.operators.total(),
            self.initializers,
            len(self.calls) - 1,
            self.depth,
            tuple(self.names[11]),
            tuple(self.names[12]),
            self.operators,
            tuple(self.external),
        )

    def model(self, message: Span) -> None:
        self.calls[None] = Counter()
        for number, _, value in fields(message):
            if number == 1 and isinstance(value, int):
                self.ir_version = value
            elif number == 20:
                _refuse("the graph carries training steps", "onnx-training")
            elif isinstance(value, Span):
                self._part(number, value)
        if self.graphs != 1 or not 1 <= self.ir_version <= MAX_IR:
            raise corrupt()
        local = {domain for domain, _, _ in filter(None, self.calls)}
        check_domains({domain for domain, _ in self.operators}, set(self.opsets), local)
        check_calls(self.calls, self.limits.calls, self.limits.depth)

    def _part(self, number: int, value: Span) -> None:
        if number == 7:
            self.graphs += 1
            self._graph(value, 1)
        elif number == 8:
            take_opset(self.opsets, value)
        elif number == 25:
            self._function(value)

    def _graph(self, message: Span, depth: int) -> None:
        if depth > self.limits.depth:
            _refuse(f"graphs are nested deeper than {self.limits.depth}", "onnx-too-deep")
        self.depth = max(self.depth, depth)
        for number, _, value in fields(message):
            if not isinstance(value, Span):
                continue
            if number == 1:
                self._node(value, depth)
            elif number in {5, 15}:
                self.initializers += 1
                self._initializer(number, value, depth)
            elif number in {11, 12, 13}:
                self._value(number, value, depth)

    def _node(self, message: Span, depth: int) -> None:
        text = {4: "", 7: "", 8: ""}
        for number, _, value in fields(message):
            if number in text and isinstance(value, Span):
                text[number] = value.text()
            elif number == 5 and isinstance(value, Span):
                self._attribute(value, depth)
        domain = domain_of(text[7])
        self.operators[domain, text[4]] += 1
        self.calls[self.here][domain, text[4], text[8]] += 1
        if self.operators.total() > self.limits.nodes:
            _refuse(f"the graph has more than {self.limits.nodes} nodes", "onnx-too-large")

    def _attribute(self, message: Span, depth: int) -> None:
        seen: set[int] = set()
        for number, wire, value in fields(message, _SCALARS):
            if number in {5, 6, 22}:  # one tensor, graph or sparse tensor: two would be merged by a reader
                if number in seen:
                    raise corrupt()
                seen.add(number)
            if wire == BYTES and isinstance(value, Span):
                self._nested(number, value, depth)

    def _nested(self, number: int, value: Span, depth: int) -> None:
        if number in {5, 10}:
            self._tensor(value)
        elif number in {6, 11}:
            self._graph(value, depth + 1)
        elif number in {22, 23}:
            self._sparse(value)
        elif number in {14, 15}:
            check_type(value, self.limits.depth)

    def _initializer(self, number: int, message: Span, depth: int) -> None:
        """Only an initializer of the main graph may lie outside: a runtime is not given others by us, and
        would look for them in its working folder."""
        if number == 15:
            self._sparse(message)
        elif depth > 1:
            self._tensor(message)
        else:
            place = self._place(message)
            if place is not None:
                self.external.append(place)

    def _tensor(self, message: Span) -> None:
        if self._place(message) is not None:
            msg = "belongs to something else than an initializer of the main graph"
            raise outside(msg)

    def _place(self, message: Span) -> External | None:
        self.tensors += 1
        if self.tensors > self.limits.tensors:
            _refuse(f"the graph has more than {self.limits.tensors} tensors", "onnx-too-large")
        return check_tensor(message)

    def _sparse(self, message: Span) -> None:
        dims: list[int] = []
        for number, _, value in fields(message):
            if number == 3:
                dims.extend(_numbers(value))
            elif number in {1, 2} and isinstance(value, Span):
                self._tensor(value)
        elements(dims)

    def _value(self, number: int, message: Span, depth: int) -> None:
        for inner, _, value in fields(message):
            if inner == 1 and isinstance(value, Span) and depth == 1 and number in self.names:
                self.names[number].append(value.text())
                if len(self.names[number]) > self.limits.values:
                    _refuse("the graph has too many inputs or outputs", "onnx-too-large")
            elif inner == 2 and isinstance(value, Span):
                check_type(value, self.limits.depth)

    def _function(self, message: Span) -> None:
        if len(self.calls) > self.limits.functions:
            _refuse(f"the graph has more than {self.limits.functions} functions", "onnx-too-large")
        parts = [(number, value) for number, _, value in fields(message) if isinstance(value, Span)]
        text = {number: value.text() for number, value in parts if number in {1, 10, 13}}
        self.here = (domain_of(text.get(10, "")), text.get(1, ""), text.get(13, ""))
        if self.here in self.calls:
            raise corrupt()
        self.calls[self.here] = Counter()
        for number, value in parts:
            self._in_function(number, value)
        self.here = None

    def _in_function(self, number: int, value: Span) -> None:
        if number == 7:
            self._node(value, 1)
        elif number == 9:
            take_opset({}, value)
        elif number == 11:
            self._attribute(value, 1)
        elif number == 12:
            self._value(13, value, 2)


def _numbers(value: Value) -> list[int]:
    return [signed(value)] if isinstance(value, int) else [signed(number) for number in varints(value)]


def _refuse(message: str, code: str) -> NoReturn:
    raise BundleRefused(message, code=code)
