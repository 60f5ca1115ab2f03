"""The encoder alone: one ONNX Runtime session on one thread, no server, in the best grouping there is.

Arguments: model folder, warm-up seconds, measured seconds. The fixture's texts are computed one by one and in
sorted batches of several sizes, turn and turn about; tokens are counted in, since a server makes them too.
Prints one JSON object: texts per second of the best grouping and of each, and the answers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as in Modelport; only before the import does it count
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import onnxruntime as ort
from tokenizers import Tokenizer

SIZES = (1, 2, 4, 8, 16)


class Model:
    def __init__(self, folder: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.names = {each.name for each in self.session.get_inputs()}
        self.tokenizer = Tokenizer.from_file(str(folder / "encoder" / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def answer(self, texts: list[str]) -> np.ndarray:
        taken = self.tokenizer.encode_batch(texts)
        feeds = {
            "input_ids": np.asarray([each.ids for each in taken], np.int64),
            "attention_mask": np.asarray([each.attention_mask for each in taken], np.int64),
            "token_type_ids": np.asarray([each.type_ids for each in taken], np.int64),
        }
        named = {name: values for name, values in feeds.items() if name in self.names}
        return self.session.run(["probabilities"], named)[0]


def main(folder: str, warm: str, seconds: str) -> None:
    model = Model(Path(folder))
    told = json.loads((Path(folder) / "checks.json").read_text())
    texts = sorted(told["items"], key=len)
    rates(model, texts, float(warm))
    found = rates(model, texts, float(seconds))
    probabilities = np.concatenate([model.answer([text]) for text in told["items"]])
    print(
        json.dumps(
            {
                "rate": max(found.values()),
                "rates": found,
                "labels": probabilities.argmax(1).tolist(),
                "probabilities": probabilities.tolist(),
            }
        )
    )


def rates(model: Model, texts: list[str], seconds: float) -> dict[int, float]:
    """Texts per second by batch size: all texts in every size, again and again."""
    took = dict.fromkeys(SIZES, 0.0)
    rounds = 0
    stop = time.perf_counter() + seconds
    while rounds == 0 or time.perf_counter() < stop:
        rounds += 1
        for size in SIZES:
            began = time.perf_counter()
            for batch in batches(texts, size):
                model.answer(batch)
            took[size] += time.perf_counter() - began
    return {size: rounds * len(texts) / spent for size, spent in took.items()}


def batches(texts: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


main(*sys.argv[1:])
