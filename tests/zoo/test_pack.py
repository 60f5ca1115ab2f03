"""Every broken or hostile model file gets a clear refusal, and nothing else happens (cases 66 to 68)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.zoo import folders, graphs, pickles, trees
from tests.zoo.animals import Animal

from modelport.compile.pack_file import pack_file
from modelport.compile.sandbox.limits import Limits
from modelport.errors import ModelportError

ZOO = (*graphs.ANIMALS, *pickles.ANIMALS, *folders.ANIMALS, *trees.ANIMALS)
ROWS = "a,b,c,d\n" + "1,2,3,4\n5,6,7,8\n" * 3
QUICK = Limits(memory=2 << 30, cpu=5, wall=60.0, output=64 << 20)
"""Less patience than with honest files, so that the tests are short."""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_SECRET", "the secret")


def test_there_are_at_least_thirty_of_different_names() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO) >= 30


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, animal: Animal) -> None:
    work, rows = tmp_path / "work", tmp_path / "rows.csv"
    work.mkdir()
    rows.write_text(ROWS)
    path, limits = animal.write(work), msgspec.structs.replace(QUICK, wall=animal.wall)
    before = sorted(str(each) for each in tmp_path.rglob("*"))
    with pytest.raises(ModelportError) as caught:
        pack_file(path, name="beast", sample_path=rows, trust_pickle=True, limits=limits)
    told = str(caught.value)
    print(animal.name, caught.value.code, told[:160])
    assert caught.value.code in animal.code.split("|")
    assert animal.says in caught.value.message
    assert told.isprintable()
    assert not [word for word in ("Traceback", str(tmp_path), "the secret", "root:") if word in told]
    assert sorted(str(each) for each in tmp_path.rglob("*")) == before, "nothing is left behind"
