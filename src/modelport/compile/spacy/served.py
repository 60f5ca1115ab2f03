"""Runs a spaCy pipeline that lies beside it. This file goes into bundles, and is all the code they hold."""

import json
from pathlib import Path
from typing import Any

import spacy


class Pipeline:
    """Entities, or the best category, of texts. spaCy does not say how sure it is: the score is 1."""

    def load(self) -> None:
        """The pipeline, from spaCy's own form, which is data."""
        folder = Path(__file__).parent
        self.known = json.loads((folder / "served.json").read_text())
        self.labels = self.known["labels"]
        self.nlp = spacy.load(folder / "pipeline", exclude=self.known["exclude"])

    def predict(self, texts: list[str]) -> dict[str, Any]:
        """One answer per text."""
        docs = list(self.nlp.pipe(texts))
        if self.known["task"] == "entities":
            return {"entities": [[_entity(span) for span in doc.ents] for doc in docs]}
        rows = [[doc.cats[label] for label in self.labels] for doc in docs]
        return {"label": [self.labels[row.index(max(row))] for row in rows], "probabilities": rows}


def _entity(span: Any) -> dict[str, Any]:
    return {
        "text": span.text,
        "label": span.label_,
        "start": span.start_char,
        "end": span.end_char,
        "score": 1.0,
    }
