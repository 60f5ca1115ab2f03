"""Small text models with random weights, made on the spot; and the tokenizer they share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_LINE = "the a of to and in is it was on for as with he she they good bad great poor film music game team"
_MORE = (
    "market player price share company minister party vote computer phone net ##s ##ed ##ing ##ly ##er ##x"
)
_SIGNS = ".,!?'-0123456789xyzeiountsrldmchpgfwvkbqj"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_LINE.split(), *_MORE.split(), *_SIGNS]
TEXTS = [
    "the film was good and the music was great",
    "a bad game",
    "it is on the market",
    "shares of the company",
    "the minister and the party vote on it!",
    "computers and phones",
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the libraries say to their own developers is no concern of these tests."""
    with warnings.catch_warnings(action="ignore"):
        yield


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A BERT tokenizer of a hundred words and letters."""
    from transformers import BertTokenizer

    path = tmp_path_factory.mktemp("words") / "vocab.txt"
    path.write_text("\n".join(WORDS))
    return BertTokenizer(str(path), model_max_length=48)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Callable[[Any], Path]:
    """Puts a model with the tokenizer into a folder of its own."""

    def save(model: Any) -> Path:
        folder = tmp_path_factory.mktemp("model")
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return save
