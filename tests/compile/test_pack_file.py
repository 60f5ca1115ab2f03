"""From a model file to a bundle: converted where it can do no harm, judged where it cannot interfere."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from modelport.bundle.trust import audit
from modelport.compile.converted import DOCUMENT, read_converted
from modelport.compile.pack_file import CONVERT, pack_file, probe
from modelport.compile.sample import Sample
from modelport.compile.sandbox.process import Work, run_in
from modelport.compile.sandbox.run import choose
from modelport.errors import BundleError, CompileError, ParityError, SandboxError, SourceRefused, Unsupported

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files of every form that is read, with rows to prove them on."""
    path = tmp_path_factory.mktemp("models")
    frame, target = load_iris(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(10, random_state=0).fit(frame, target)
    frame.iloc[::3].to_csv(path / "rows.csv", index=False)
    joblib.dump(forest, path / "plain.joblib")
    joblib.dump(forest, path / "small.pkl", compress=3)
    import skops.io

    skops.io.dump(forest, path / "forest.skops")
    return path


@pytest.fixture(scope="module")
def converted(folder: Path) -> Path:
    """What the sandbox hands back for a forest."""
    outputs = folder / "converted"
    outputs.mkdir()
    inputs = {"model": folder / "plain.joblib", "sample": folder / "rows.csv"}
    run_in(
        choose(),
        Work("convert", inputs, outputs, CONVERT, {"form": "pickle", "labels": None, "without": None}),
    )
    return outputs


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(
    "name", ["plain.joblib", pytest.param("small.pkl", marks=pytest.mark.slow), "forest.skops"]
)
def test_a_model_file_becomes_a_proven_bundle(folder: Path, tmp_path: Path, name: str) -> None:
    packed = pack_file(
        folder / name, name="iris", sample_path=folder / "rows.csv", trust_pickle=True, labels=["a", "b", "c"]
    )
    assert packed.parity.holds
    assert packed.manifest.labels == ("a", "b", "c")
    assert all(timing.original_us > 100 for timing in packed.speed.timings)  # a forest's, not a lookup's
    with packed.save(tmp_path / "iris.bundle") as bundle:
        audit(bundle)
        graph = bundle.read("model/graph.onnx")
    (tmp_path / "again.onnx").write_bytes(graph)
    again = pack_file(
        tmp_path / "again.onnx", name="iris", sample_path=folder / "rows.csv", labels=["a", "b", "c"]
    )
    assert again.parity.holds


@pytest.mark.usefixtures("chosen")
def test_a_vectorizer_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    texts = ["good day", "bad day", "nice weather today", "awful rain"] * 10
    vectorizer = TfidfVectorizer().fit(texts)
    model = LogisticRegression().fit(vectorizer.transform(texts), [1, 0, 1, 0] * 10)
    joblib.dump(vectorizer, tmp_path / "vectorizer.pkl")
    joblib.dump(model, tmp_path / "model.pkl")
    (tmp_path / "rows.txt").write_text("\n".join(texts))
    packed = pack_file(
        tmp_path / "model.pkl",
        name="mood",
        sample_path=tmp_path / "rows.txt",
        vectorizer=tmp_path / "vectorizer.pkl",
        labels=["low", "high"],
        trust_pickle=True,
    )
    assert packed.parity.holds


def test_without_trust_nothing_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelport.compile.pack_file.run_sandboxed", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(SourceRefused) as caught:
        pack_file(folder / "plain.joblib", name="iris", sample_path=folder / "rows.csv")
    assert caught.value.code == "pickle-untrusted"


@pytest.mark.usefixtures("chosen")
def test_a_class_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cnowhere_at_all\nModel\n)R.")
    with pytest.raises(CompileError, match="nowhere_at_all") as caught:
        pack_file(tmp_path / "model.pkl", name="iris", sample_path=folder / "rows.csv", trust_pickle=True)
    assert caught.value.code == "source-failed"


@pytest.mark.usefixtures("chosen")
def test_a_pickle_of_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"no": "model"}))
    with pytest.raises(Unsupported, match="dict"):
        pack_file(tmp_path / "model.pkl", name="iris", sample_path=folder / "rows.csv", trust_pickle=True)


@pytest.mark.usefixtures("chosen")
def test_a_skops_file_with_a_foreign_type_is_refused(folder: Path, tmp_path: Path) -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump(FunctionTransformer(shutil.rmtree), tmp_path / "model.skops")
    with pytest.raises(SourceRefused, match="rmtree") as caught:
        pack_file(tmp_path / "model.skops", name="iris", sample_path=folder / "rows.csv")
    assert caught.value.code == "skops-untrusted"


@pytest.mark.usefixtures("chosen")
def test_a_graph_the_runtime_refuses_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        probe(b"\x08\x0a\x42\x04\x0a\x00\x10\x14\x3a\x00")
    assert caught.value.code == "graph-refused"


# -- what a hostile conversion might hand back ---------------------------------------------------------------


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def _edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        document = msgspec.json.decode((folder / DOCUMENT).read_bytes())
        change(document)
        (folder / DOCUMENT).write_bytes(msgspec.json.encode(document))

    return apply


def _file(name: Callable[[dict[str, Any]], str], data: bytes) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        document = msgspec.json.decode((folder / DOCUMENT).read_bytes())
        (folder / name(document)).write_bytes(data)

    return apply


def _label(document: dict[str, Any]) -> str:
    return str(document["candidates"][0]["sample"]["answers"]["label"])


def _graph(document: dict[str, Any]) -> str:
    return str(document["candidates"][0]["files"]["model/graph.onnx"])


LIES: dict[str, Callable[[Path], None]] = {
    "no-document": lambda folder: (folder / DOCUMENT).unlink(),
    "no-json": _file(lambda _: DOCUMENT, b"\x80\x05pickle"),
    "unknown-key": _edit(lambda document: document.update(extra=1)),
    "no-candidates": _edit(lambda document: document.update(candidates=[])),
    "dummy-runtime": _edit(lambda document: document["candidates"][0].update(runtime="dummy")),
    "climbing-name": _edit(
        lambda document: document["candidates"][0]["files"].update({"model/graph.onnx": "../x"})
    ),
    "climbing-path": _edit(
        lambda document: document["candidates"][0]["files"].update({"../x": _graph(document)})
    ),
    "missing-file": _edit(
        lambda document: document["candidates"][0]["files"].update({"model/a.npy": "absent"})
    ),
    "infinite-time": _edit(lambda document: document["original_us"].update({"1": -1})),
    "array-of-objects": _file(_label, npy(np.array([{}] * 50, object))),
    "array-too-short": _file(_label, npy(np.zeros(49, np.int64))),
    "array-too-long": _file(_label, npy(np.zeros(50, np.int64)) + b"more"),
    "array-lies": _file(_label, npy(np.zeros(50, np.int64))[:-8]),
    "pickle-for-a-graph": _file(_graph, pickle.dumps(print)),
    "graph-with-outside-data": _file(_graph, b"\x08\x0a\x3a\x00\x42\x06\x0a\x04evil"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_from_the_sandbox_is_refused(
    folder: Path, converted: Path, tmp_path: Path, lie: Callable[[Path], None]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(converted, copy)
    lie(copy)
    with pytest.raises(SandboxError) as caught:
        read_converted(copy, Sample.read(folder / "rows.csv"), lambda _: None)
    assert caught.value.code == "sandbox-output"


def test_answers_that_do_not_match_the_graph_fail_parity(
    folder: Path, converted: Path, tmp_path: Path
) -> None:
    """Recorded answers are compared with the graph here, where the sandbox has no say."""
    from modelport.compile.prove import pack_adopted

    copy = tmp_path / "copy"
    shutil.copytree(converted, copy)
    document = msgspec.json.decode((copy / DOCUMENT).read_bytes())
    for candidate in document["candidates"]:
        name = copy / candidate["sample"]["answers"]["label"]
        labels = np.load(name)
        name.unlink()
        np.save(name, (labels + 1) % 3)
    found = read_converted(copy, Sample.read(folder / "rows.csv"), lambda _: None)
    with pytest.raises((ParityError, BundleError)):
        pack_adopted(found.adopted, Sample.read(folder / "rows.csv"), name="iris")
