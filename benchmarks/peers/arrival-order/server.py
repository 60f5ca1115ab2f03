"""LitServe with the same ONNX graph, batching what arrives in order of arrival, padded to the longest.

Batches of up to 16, as most servers that batch would be set: what comes within 10 ms shares one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import litserve as ls
import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

MODEL = Path(os.environ["BENCH_MODEL"])


class Encoder(ls.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 -- LitServe passes it by name
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(MODEL / "model.onnx", options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(MODEL / "encoder" / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()
        self.classes = (MODEL / "classes.txt").read_text().split()

    def decode_request(self, request):
        return request["inputs"][0]["data"][0]

    def batch(self, inputs: list[str]) -> list[str]:
        return inputs

    def predict(self, texts: list[str]) -> np.ndarray:
        taken = self.tokenizer.encode_batch(texts)
        feeds = {
            "input_ids": np.asarray([each.ids for each in taken], np.int64),
            "attention_mask": np.asarray([each.attention_mask for each in taken], np.int64),
            "token_type_ids": np.asarray([each.type_ids for each in taken], np.int64),
        }
        names = {each.name for each in self.session.get_inputs()}
        return self.session.run(
            ["probabilities"], {name: values for name, values in feeds.items() if name in names}
        )[0]

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, row: Any):
        place = int(np.argmax(row))
        return {
            "prediction": self.classes[place],
            "confidence": float(row[place]),
            "probabilities": row.tolist(),
        }


if __name__ == "__main__":
    api = Encoder(api_path="/v2/models/bench/infer", max_batch_size=16, batch_timeout=0.01)
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
