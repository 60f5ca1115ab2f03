"""A tiny text encoder made without any learning library: real attention over random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from modelport.bundle.writer import write
from modelport.core.manifest import FORMAT, About, Label, Manifest, Parameters
from modelport.core.signature import Field, Signature, Task
from modelport.runtimes.onnx import GRAPH
from modelport.runtimes.transformer.spec import PATH, TOKENIZER, Tag, Transformer

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "good",
    "bad",
    "film",
    "the",
    "a",
    "##ly",
    "##s",
    "great",
    "poor",
)
SPEC = Transformer(
    max_length=12, vocabulary=len(WORDS), pad=0, feeds=("input_ids", "attention_mask", "token_type_ids")
)
WIDTH = 8
_OPSET = 17


def tokenizer() -> Tokenizer:
    """Lower-cased words and their pieces, [CLS] before and [SEP] behind."""
    made = Tokenizer(models.WordPiece({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=None, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def graph(outputs: Mapping[str, str]) -> bytes:
    """An encoder of one layer; `outputs` names what it gives: of a text or, `token_…`, of each token."""
    maker = _Maker()
    logits = maker.encoder(classes=3)
    maker.heads(logits)
    wanted = [helper.make_tensor_value_info(name, _TYPES[kind], None) for name, kind in outputs.items()]
    feeds = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"]) for name in SPEC.feeds
    ]
    made = helper.make_graph(maker.nodes, "tiny", feeds, wanted, maker.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    return bytes(model.SerializeToString())


_TYPES = {"INT64": TensorProto.INT64, "FP32": TensorProto.FLOAT}


class _Maker:
    """Nodes and weights of a graph, as they are made."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._rng = np.random.default_rng(7)

    def encoder(self, classes: int) -> str:
        """Scores per token `[rows, tokens, classes]`."""
        embedded = self.node("Gather", [self.random(len(WORDS), WIDTH), "input_ids"])
        kinds = self.node("Gather", [self.random(2, WIDTH), "token_type_ids"])
        hidden = self.node("Add", [embedded, kinds])
        query, key, value = (
            self.node("MatMul", [hidden, self.random(WIDTH, WIDTH)]) for _ in ("query", "key", "value")
        )
        weights = self.node("MatMul", [query, self.node("Transpose", [key], perm=[0, 2, 1])])
        absent = self.node("Sub", [self.constant(np.float32(1)), self.mask()])
        hidden_from = self.node(
            "Unsqueeze",
            [self.node("Mul", [absent, self.constant(np.float32(-1e9))]), self.constant(np.array([1]))],
        )
        seen = self.node("Softmax", [self.node("Add", [weights, hidden_from])], axis=-1)
        mixed = self.node("Add", [hidden, self.node("MatMul", [seen, value])])
        return self.node("MatMul", [mixed, self.random(WIDTH, classes)])

    def heads(self, scores: str) -> None:
        """Outputs by every name that a test may ask for."""
        first = self.node("Gather", [scores, self.constant(np.array(0))], axis=1)
        self.node("Softmax", [first], "probabilities", axis=-1)
        self.node("ArgMax", [first], "label", axis=-1, keepdims=0)
        self.node("Identity", [first], "values")
        holds = self.node("Greater", [first, self.constant(np.float32(0))])
        self.node("Cast", [holds], "labels", to=TensorProto.INT64)
        likely = self.node("Softmax", [scores], axis=-1)
        self.node("ArgMax", [scores], "token_labels", axis=-1, keepdims=0)
        self.node("ReduceMax", [likely], "token_scores", axes=[-1], keepdims=0)

    def mask(self) -> str:
        return self.node("Cast", ["attention_mask"], to=TensorProto.FLOAT)

    def random(self, *shape: int) -> str:
        return self.constant(self._rng.normal(size=shape).astype(np.float32))

    def constant(self, values: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name


@dataclass(frozen=True)
class Held:
    """The files of a tiny classifier in memory; `changed` replaces some."""

    changed: dict[str, bytes] = field(default_factory=dict)
    task: Task = "classification"
    labels: tuple[Label, ...] | None = ("down", "up", "flat")
    outputs: Mapping[str, str] = field(default_factory=lambda: {"label": "INT64", "probabilities": "FP32"})
    signed: tuple[Field, ...] = (
        Field("label", "INT64", (-1,)),
        Field("probabilities", "FP32", (-1, 3)),
    )

    @property
    def manifest(self) -> Manifest:
        signature = Signature("text", (Field("text", "BYTES", (-1,)),), self.signed)
        return Manifest(FORMAT, "transformer", self.task, signature, self.labels, (), Parameters(), ())

    def files(self) -> dict[str, bytes]:
        plain = {
            PATH: msgspec.json.encode(SPEC),
            TOKENIZER: tokenizer().to_str().encode(),
            GRAPH: graph(self.outputs),
        }
        return {**plain, **self.changed}

    def read(self, path: str) -> bytes:
        return self.files()[path]

    def save(self, path: Path, name: str) -> str:
        """A bundle of them."""
        write(path, self.manifest, About(name), self.files(), {})
        return str(path)


def entities(changed: Mapping[str, bytes] | None = None) -> Held:
    """The tiny encoder naming a class for each token: class 0 is outside, 1 and 2 are labels."""
    spec = msgspec.structs.replace(SPEC, tags=(Tag(), Tag(0), Tag(1, begins=True)))
    return Held(
        {PATH: msgspec.json.encode(spec), **(changed or {})},
        task="entities",
        labels=("GOOD", "BAD"),
        outputs={"token_labels": "INT64", "token_scores": "FP32"},
        signed=(
            Field("text", "BYTES", (-1, -1)),
            *(Field(name, "INT64", (-1, -1)) for name in ("label", "start", "end")),
            Field("score", "FP32", (-1, -1)),
        ),
    )


def several() -> Held:
    """The tiny encoder with three labels that may hold together."""
    names = ("calm", "loud", "new")
    return Held(
        task="multilabel",
        labels=(0, 1),
        outputs={"labels": "INT64", "probabilities": "FP32"},
        signed=(
            Field("labels", "INT64", (-1, 3), columns=names),
            Field("probabilities", "FP32", (-1, 3), columns=names),
        ),
    )
