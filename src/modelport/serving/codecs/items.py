"""Items of the native routes into batches: one item or a list, a bad one in a list alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from modelport.core.signature import Signature
from modelport.errors import BadRequest, InvalidInput, ModelportError
from modelport.runtimes.batch import Batch
from modelport.serving.codecs.columns import Columns, Notes
from modelport.serving.codecs.json import decode
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.spellings import Row, Spellings


@dataclass(frozen=True, slots=True)
class Decoded:
    """What `input` held.

    Attributes:
        batch: the good items, in order.
        single: whether it was one item rather than a list.
        total: how many items there were.
        errors: what was wrong with the others, by position.
        notes: what the rules cleaned, by position.
        keys: of objects in it, when each item spells all its columns out; 0 without objects.
    """

    batch: Batch
    single: bool
    total: int
    errors: dict[int, ModelportError] = field(default_factory=dict)
    notes: dict[int, Notes] = field(default_factory=dict)
    keys: int = 0


class Items:
    """Decodes items for one slot: its signature says what an item is, its rules what is let through."""

    def __init__(self, signature: Signature, rules: Rules) -> None:
        self._kind = signature.item
        self._fields = signature.inputs
        self._spellings = Spellings(signature)
        self._columns = Columns(rules)
        inputs = signature.inputs
        self._width = len(inputs[0].columns if signature.item == "vector" else inputs)

    def decode(self, raw: msgspec.Raw) -> Decoded:
        """Read `input`; raises `BadRequest` when it is not JSON, `InvalidInput` when no item is valid."""
        first, second = _heads(raw)
        many = first == "[" and (self._kind == "text" or second in "[{]")
        if not many:
            return self._checked([self._row(raw, first)], single=True, named=first == "{")
        try:
            rows = [self._spellings.values(row) for row in decode(self._spellings.many(second), raw)]
            return self._checked(rows, single=False, named=second == "{")
        except ModelportError:
            return self._each(decode(_RAW_LIST, raw))

    def _each(self, items: list[msgspec.Raw]) -> Decoded:
        """Every item by itself, so that a bad one fails alone."""
        rows: list[Row] = []
        errors: dict[int, ModelportError] = {}
        notes: dict[int, Notes] = {}
        for index, item in enumerate(items):
            try:
                row = self._row(item, _heads(item)[0])
                decoded = self._checked([row], single=True)
            except ModelportError as error:
                errors[index] = error
                continue
            if decoded.notes:
                notes[index] = decoded.notes[0]
            rows.append(row)
        if not rows:
            raise none_valid(errors)
        good = self._checked(rows, single=False)
        return Decoded(good.batch, single=False, total=len(items), errors=errors, notes=notes)

    def _row(self, raw: msgspec.Raw, first: str) -> Row:
        try:
            return self._spellings.values(decode(self._spellings.one(first), raw))
        except BadRequest as error:
            if error.code != "invalid-document":
                raise
            raise InvalidInput(error.message, code="invalid-item", pointer=f"/input{error.pointer}") from None

    def _checked(self, rows: list[Row], *, single: bool, named: bool = False) -> Decoded:
        if not rows:
            msg = "the list of items is empty"
            raise BadRequest(msg, code="no-rows", hint="send at least one item")
        notes: dict[int, Notes] = {}
        if self._kind == "vector":
            tensors = {self._fields[0].name: self._columns.vector(self._fields[0], rows)}
        else:
            columns = zip(*rows, strict=True)
            tensors = {
                item.name: self._columns.column(item, values, notes)
                for item, values in zip(self._fields, columns, strict=True)
            }
        keys = self._width * len(rows) if named else 0
        return Decoded(Batch(len(rows), tensors), single, len(rows), notes=notes, keys=keys)


def _heads(raw: msgspec.Raw) -> tuple[str, str]:
    """The first two characters that are not white space."""
    head = str(memoryview(raw)[:2], "latin-1")
    if len(head.strip()) == 2:
        return head[0], head[1]
    joined = "".join(str(memoryview(raw)[:256], "latin-1").split())
    return joined[:1] or " ", joined[1:2] or " "


def none_valid(errors: dict[int, ModelportError]) -> ModelportError:
    """The error of a list without a valid item."""
    if not errors:
        return BadRequest("the list of items is empty", code="no-rows", hint="send at least one item")
    if len(errors) == 1:
        return next(iter(errors.values()))
    error = InvalidInput(f"none of the {len(errors)} items is valid", code="no-valid-item", hint="see errors")
    error.faults = tuple((f"/input/{index}", fault.message) for index, fault in list(errors.items())[:100])
    return error


_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
