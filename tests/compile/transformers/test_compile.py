"""Models of transformers, compiled: each answers as in PyTorch, text by text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.compile.transformers.architectures import CONFIGS, made
from tests.compile.transformers.conftest import TEXTS

import modelport
from modelport.compile.pack_file import pack_file
from modelport.compile.sample import Sample
from modelport.errors import SourceRefused, Unsupported
from modelport.runtimes.base import TRUNCATED

pytestmark = pytest.mark.extras

NAMES = {"id2label": {0: "sad", 1: "calm", 2: "glad"}, "label2id": {"sad": 0, "calm": 1, "glad": 2}}


def loaded(packed: Any, path: Path) -> Any:
    """The predictor of a packed model, by the way of a bundle on disk."""
    from modelport.runtimes.load import load

    with packed.save(path / "x.bundle") as bundle:
        return load(bundle)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_a_classifier_of_every_architecture_answers_as_in_pytorch(name: str, tokenizer: Any) -> None:
    """Each text is compared with what the original says to it alone, so that padding changes nothing."""
    packed = modelport.pack(
        (made(name, "ForSequenceClassification", **NAMES), tokenizer), name="mood", sample=TEXTS
    )
    assert packed.manifest.labels == ("sad", "calm", "glad")
    assert packed.manifest.runtime == "transformer"
    assert packed.parity.edge_rows > 30
    assert max(each.max_absolute for each in packed.parity.differences) < 1e-5


def test_several_labels_at_once_are_named_in_order(tokenizer: Any) -> None:
    model = made("Bert", "ForSequenceClassification", problem_type="multi_label_classification", **NAMES)
    packed = modelport.pack((model, tokenizer), name="tags", sample=TEXTS)
    assert packed.manifest.task == "multilabel"
    assert packed.manifest.signature.outputs[0].columns == ("sad", "calm", "glad")


@pytest.mark.parametrize("count", [1, 3])
def test_a_regression_answers_numbers(count: int, tokenizer: Any, tmp_path: Path) -> None:
    model = made("DistilBert", "ForSequenceClassification", problem_type="regression", num_labels=count)
    packed = modelport.pack((model, tokenizer), name="stars", sample=TEXTS)
    assert packed.manifest.task == "regression"
    values = loaded(packed, tmp_path).predict(Sample.of(TEXTS).batch).array("value")
    assert values.shape == ((6,) if count == 1 else (6, 3))


def test_a_pipeline_answers_as_itself(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import TextClassificationPipeline

    model = made("Electra", "ForSequenceClassification", **NAMES)
    pipeline = TextClassificationPipeline(model=model, tokenizer=tokenizer)
    packed = modelport.pack(pipeline, name="mood", sample=TEXTS)
    answers = loaded(packed, tmp_path).predict(Sample.of(TEXTS).batch)
    for row, said in enumerate(pipeline(TEXTS)):
        assert packed.manifest.labels is not None
        assert packed.manifest.labels[answers.array("label")[row]] == said["label"]
        assert abs(answers.array("probabilities")[row].max() - said["score"]) < 1e-5


def test_packing_leaves_the_model_as_it_was(tokenizer: Any) -> None:
    model = made("Bert", "ForSequenceClassification", **NAMES)
    model.train()
    before = model.config._attn_implementation
    modelport.pack((model, tokenizer), name="mood", sample=TEXTS)
    assert model.training
    assert model.config._attn_implementation == before


def test_a_model_in_half_precision_is_computed_in_float32(tokenizer: Any) -> None:
    import torch

    model = made("Bert", "ForSequenceClassification", **NAMES).half()
    assert modelport.pack((model, tokenizer), name="mood", sample=TEXTS).parity.holds
    assert model.dtype == torch.float16


def test_a_text_beyond_the_models_positions_is_cut(tokenizer: Any, tmp_path: Path) -> None:
    model = made("Roberta", "ForSequenceClassification", **NAMES)
    predictor = loaded(modelport.pack((model, tokenizer), name="mood", sample=TEXTS), tmp_path)
    answers = predictor.predict(Sample.of(["good " * 46, "good " * 500]).batch)
    assert answers.array(TRUNCATED).tolist() == [False, True]
    exactly, beyond = answers.array("probabilities")
    np.testing.assert_allclose(exactly, beyond, atol=1e-6)


def test_a_folder_is_loaded_in_the_sandbox(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    (tmp_path / "sample.txt").write_text("\n".join(TEXTS))
    folder = saved(made("Bert", "ForSequenceClassification", **NAMES))
    packed = pack_file(folder, name="mood", sample_path=tmp_path / "sample.txt", allow_weak_sandbox=True)
    assert packed.manifest.labels == ("sad", "calm", "glad")
    assert packed.parity.holds


def test_an_encoder_gives_the_mean_of_its_tokens(saved: Callable[[Any], Path], tokenizer: Any) -> None:
    import torch

    model = made("Bert", "Model")
    values = modelport.TextEncoder(saved(model)).transform(TEXTS)
    with torch.inference_mode():
        hidden = model(**tokenizer(TEXTS[0], return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(values[0], hidden[0].mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "mode", ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens"]
)
def test_a_sentence_encoder_is_pooled_as_its_folder_says(
    mode: str, saved: Callable[[Any], Path], tmp_path: Path
) -> None:
    """Parity compares the graph, which sees padding, with each text by itself."""
    from safetensors.numpy import save_file

    folder = saved(made("Bert", "Model"))
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    paths = ["", "1_Pooling", "2_Dense", "3_Normalize"]
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    (folder / "modules.json").write_bytes(msgspec.json.encode(modules))
    for path in paths[1:]:
        (folder / path).mkdir()
    (folder / "1_Pooling/config.json").write_bytes(msgspec.json.encode({f"pooling_mode_{mode}": True}))
    dense = {"in_features": 32, "out_features": 5, "activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense/config.json").write_bytes(msgspec.json.encode(dense))
    weights = np.random.default_rng(0).normal(size=(5, 32)).astype(np.float32)
    save_file(
        {"linear.weight": weights, "linear.bias": np.ones(5, np.float32)},
        folder / "2_Dense/model.safetensors",
    )
    packed = modelport.pack(modelport.TextEncoder(folder), name="near", sample=TEXTS)
    values = loaded(packed, tmp_path).predict(Sample.of(TEXTS).batch).array("values")
    assert values.shape == (6, 5)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-5)


def test_a_head_of_scikit_learn_joins_the_graph(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    encoder = modelport.TextEncoder(saved(made("Bert", "Model")))
    kinds = ["praise", "blame", "news", "news", "news", "things"]
    model = make_pipeline(encoder, StandardScaler(), LogisticRegression()).fit(TEXTS, kinds)
    packed = modelport.pack(model, name="kind", sample=TEXTS)
    assert packed.manifest.task == "classification"
    answers = loaded(packed, tmp_path).predict(Sample.of(TEXTS).batch)
    assert [packed.manifest.labels[at] for at in answers.array("label")] == kinds  # type: ignore[index]
    np.testing.assert_allclose(answers.array("probabilities"), model.predict_proba(TEXTS), atol=1e-5)


def test_a_head_in_a_file_joins_a_folder(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from skops import io

    folder = saved(made("Bert", "ForMaskedLM"))
    head = LogisticRegression().fit(modelport.TextEncoder(folder).transform(TEXTS), [0, 1, 0, 1, 0, 1])
    io.dump(head, tmp_path / "head.skops")
    (tmp_path / "sample.txt").write_text("\n".join(TEXTS))
    packed = pack_file(
        folder,
        name="kind",
        sample_path=tmp_path / "sample.txt",
        head=tmp_path / "head.skops",
        labels=["even", "odd"],
        allow_weak_sandbox=True,
    )
    assert packed.manifest.runtime == "transformer"
    assert packed.manifest.labels == ("even", "odd")


def test_weights_in_a_pickle_are_refused(saved: Callable[[Any], Path]) -> None:
    folder = saved(made("Bert", "ForSequenceClassification"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SourceRefused) as refused:
        modelport.TextEncoder(folder).subject()
    assert refused.value.code == "weights-pickled"
    assert "save_pretrained" in refused.value.hint


def test_code_of_the_author_is_refused(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    folder = saved(made("Bert", "ForSequenceClassification"))
    config = msgspec.json.decode((folder / "config.json").read_bytes())
    config["auto_map"] = {"AutoModelForSequenceClassification": "modeling_evil.Evil"}
    (folder / "config.json").write_bytes(msgspec.json.encode(config))
    (folder / "modeling_evil.py").write_text("raise SystemExit('ran')")
    (tmp_path / "sample.txt").write_text("\n".join(TEXTS))
    with pytest.raises(SourceRefused) as refused:
        pack_file(folder, name="evil", sample_path=tmp_path / "sample.txt", allow_weak_sandbox=True)
    assert refused.value.code == "remote-code"


@pytest.mark.parametrize(
    ("architectures", "reason"),
    [
        (["T5ForConditionalGeneration"], "generation is not served yet"),
        (["LlamaForCausalLM"], "generation is not served yet"),
        (["BertForQuestionAnswering"], "one item is one text"),
        (["ViTForImageClassification"], "reads images"),
        (["SomethingElse"], "not one that is known"),
        ([], "names no architecture"),
    ],
)
def test_what_is_not_served_is_refused_with_the_reason(
    architectures: list[str], reason: str, tmp_path: Path
) -> None:
    """The configuration alone tells: nothing is loaded."""
    from modelport.compile.transformers.subject import of_folder

    (tmp_path / "config.json").write_bytes(msgspec.json.encode({"architectures": architectures}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(Unsupported, match=reason):
        of_folder(tmp_path)


def test_a_model_without_its_tokenizer_is_refused() -> None:
    with pytest.raises(Unsupported) as refused:
        modelport.pack(made("Bert", "ForSequenceClassification"), name="mood", sample=TEXTS)
    assert refused.value.code == "tokenizer-absent"


def test_rows_of_a_table_are_refused(tokenizer: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        modelport.pack(
            (made("Bert", "ForSequenceClassification"), tokenizer), name="mood", sample=[[1.0, 2.0]]
        )
    assert refused.value.code == "sample-mismatch"


def test_an_architecture_that_mixes_padding_in_is_refused(tokenizer: Any) -> None:
    from transformers import FNetConfig, FNetForSequenceClassification

    model = FNetForSequenceClassification(
        FNetConfig(hidden_size=32, num_hidden_layers=1, intermediate_size=32)
    )
    with pytest.raises(Unsupported, match="padding"):
        modelport.pack((model, tokenizer), name="mood", sample=TEXTS)


def test_importing_the_library_is_left_to_those_who_need_it() -> None:
    code = "import sys, modelport.compile.pack; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_is_compiled_again_from_its_sources(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    """With the head beside it: the same sources give the same identity."""
    from sklearn.linear_model import LogisticRegression
    from skops import io

    from modelport.compile import again, sources

    folder = saved(made("Bert", "Model"))
    head = LogisticRegression().fit(modelport.TextEncoder(folder).transform(TEXTS), [0, 1, 0, 1, 0, 1])
    io.dump(head, tmp_path / "head.skops")
    (tmp_path / "sample.txt").write_text("\n".join(TEXTS))
    files = {"model": folder, "sample": tmp_path / "sample.txt", "head": tmp_path / "head.skops"}
    packed = pack_file(
        folder, name="kind", sample_path=files["sample"], head=files["head"], allow_weak_sandbox=True
    )
    again.save(packed, tmp_path / "kind.bundle", *sources.chosen(files, name="kind"))
    changed = again.compile_again(
        tmp_path / "kind.bundle", tmp_path / "again.bundle", allow_weak_sandbox=True
    )
    assert changed.same
