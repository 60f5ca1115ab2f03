"""Transformers in fewer bits, by the way that all models take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]

transformers = pytest.importorskip("transformers")

import onnx  # noqa: E402

import modelport  # noqa: E402
from modelport.compile.quantize.report import Report  # noqa: E402
from modelport.runtimes.load import load, replay  # noqa: E402

_LINE = "the a of to and in is it was on for as with he she they good bad great poor film music game"
WORDS = _LINE.split()
TEXTS = [" ".join(WORDS[start : start + length]) for length in (2, 5, 9, 15) for start in range(8)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Two layers, wide enough that its products are worth integers; weights as they are initialised."""
    import torch

    vocabulary = tmp_path_factory.mktemp("words") / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    tokenizer = transformers.BertTokenizer(str(vocabulary), model_max_length=48)
    config = transformers.BertConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(config).eval(), tokenizer


def test_an_encoder_is_quantised_and_proven_like_any_model(encoder: tuple[Any, Any], tmp_path: Path) -> None:
    packed = modelport.pack(encoder, name="mood", sample=TEXTS, quantize="int8")
    report = msgspec.json.decode(packed.attachments["precision.json"], type=Report)
    fp32, int8 = report.variants
    assert packed.manifest.runtime == "transformer"
    assert (int8.method, report.labelled) == ("dynamic", False)
    assert int8.bytes < 0.5 * fp32.bytes
    assert [timed.case.partition(" of")[0] for timed in int8.timings] == ["1 text", "1 text", "8 texts"]
    assert int8.loss is not None
    assert int8.loss.measure == "agreement"
    assert int8.loss.lost < 25
    graph = onnx.load_model_from_string(packed.files["model/graph.onnx"]).graph
    integers = sum(node.op_type in {"MatMulInteger", "QAttention"} for node in graph.node)
    assert integers >= 2 * 3  # fused or not, every layer has at least three products of tables
    with packed.save(tmp_path / "mood.bundle") as bundle:
        golden = bundle.golden()
        assert golden is not None
        assert golden.rows
        replay(load(bundle), golden, bundle.manifest.signature)
