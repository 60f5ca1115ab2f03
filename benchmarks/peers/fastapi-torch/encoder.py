"""The original: the encoder in PyTorch as its model card tells, mean pooling, a fitted head on top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer


class Encoder:
    """Texts to unit vectors; cut at the length the model was trained for."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    @torch.inference_mode()
    def encode(self, texts: list[str]) -> np.ndarray:
        taken = self.tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        states = self.model(**taken).last_hidden_state
        mask = taken["attention_mask"].unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(pooled, dim=1).numpy()


class Classifier:
    """The encoder with the head of the fixture."""

    def __init__(self, model: Path) -> None:
        self.encoder = Encoder(model / "encoder")
        self.head: Any = joblib.load(model / "head.joblib")

    def probabilities(self, texts: list[str]) -> np.ndarray:
        return self.head.predict_proba(self.encoder.encode(texts))
