"""A real encoder with a head that was fitted on real articles, from folder to server."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.compile.transformers.packages import minilm, news
from tests.compile.transformers.test_compile import loaded

import modelport
from modelport.cli.quickstart.child import serving
from modelport.compile.pack_file import pack_file
from modelport.compile.sample import Sample

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A logistic regression on the embeddings of 150 articles."""
    from sklearn.linear_model import LogisticRegression
    from skops import io

    texts, subjects = news(30)
    path = tmp_path_factory.mktemp("head") / "head.skops"
    fitted = LogisticRegression(max_iter=500).fit(modelport.TextEncoder(minilm()).transform(texts), subjects)
    io.dump(fitted, path)
    return path


def test_its_embeddings_are_those_of_the_original(tmp_path: Path) -> None:
    encoder = modelport.TextEncoder(minilm())
    texts = news(2)[0]
    packed = modelport.pack(encoder, name="near", sample=texts)
    values = loaded(packed, tmp_path).predict(Sample.of(texts).batch).array("values")
    np.testing.assert_allclose(values, encoder.transform(texts), atol=1e-5)
    assert max(each.max_absolute for each in packed.parity.differences) < 1e-5


def test_a_folder_with_a_head_is_served(head: Path, tmp_path: Path) -> None:
    """Unseen articles get their subject, over HTTP, from one graph."""
    sample, subjects = news(1, start=30)
    (tmp_path / "sample.txt").write_text("\n".join(text.replace("\n", " ") for text in sample))
    packed = pack_file(
        minilm(), name="news", sample_path=tmp_path / "sample.txt", head=head, allow_weak_sandbox=True
    )
    packed.save(tmp_path / "news.bundle").close()
    texts, subjects = news(8, start=40)
    with serving([tmp_path / "news.bundle"], tmp_path / "server.log") as served:
        answered = httpx.post(
            f"{served.url}/v1/models/news/predict", json={"input": texts}, timeout=60
        ).json()
    right = [
        each["prediction"] == subject for each, subject in zip(answered["results"], subjects, strict=True)
    ]
    assert sum(right) / len(right) > 0.85
