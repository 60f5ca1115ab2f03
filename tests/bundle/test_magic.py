"""Archives that look alike, told apart by what is in them."""

from __future__ import annotations

import io
import zipfile

import pytest

from modelport.bundle import magic


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["m/data.pkl", "m/version", "m/data/0"], "torch"),
        (["m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"], "torchscript"),
        (["m/archive_format", "m/models/model.json", "m/data/weights/weight_0"], "torch-export"),
    ],
)
def test_the_archives_of_torch_are_told_apart(names: list[str], kind: str) -> None:
    """Weights, TorchScript and exported programs are all zips; none of them is let into a bundle."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    assert magic.kind_of(written.getvalue()) == kind
    assert kind in magic.RUNS_CODE
