"""Every broken or hostile model file gets a clear refusal, and nothing else happens (cases 66 to 68)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.zoo import folders, graphs, networks, pickles, trees
from tests.zoo.animals import Animal

from modelport.compile.forms import candidates
from modelport.compile.pack_file import pack_file
from modelport.compile.sandbox.limits import Limits
from modelport.compile.sandbox.run import choose
from modelport.errors import ModelportError, SandboxError

ZOO = (*graphs.ANIMALS, *pickles.ANIMALS, *folders.ANIMALS, *trees.ANIMALS, *networks.ANIMALS)
ROWS = "a,b,c,d\n" + "1,2,3,4\n5,6,7,8\n" * 3
QUICK = Limits(memory=2 << 30, cpu=5, wall=60.0, output=64 << 20)
"""Less patience than with honest files, so that the tests are short."""
HEAVY = msgspec.structs.replace(QUICK, memory=16 << 30, cpu=25, wall=90.0)
"""For libraries that take a while to import."""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_SECRET", "the secret")


def test_there_are_at_least_thirty_of_different_names() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO) >= 30


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, animal: Animal) -> None:
    refused(tmp_path, animal)


@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("animal", networks.HEAVY, ids=lambda animal: animal.name)
def test_a_hostile_file_of_a_large_library_is_refused_with_its_reason(tmp_path: Path, animal: Animal) -> None:
    refused(tmp_path, animal)


def needs_bubblewrap(path: Path) -> bool:
    """Whether this machine cannot look into files of this form at all: their libraries need room to write."""
    try:
        choose(scratch=any(form.scratch for form in candidates(path)))
    except SandboxError:
        return True
    return False


def refused(tmp_path: Path, animal: Animal) -> None:
    """Packing it fails with its code and words, tells nothing it should not, and leaves nothing behind."""
    work, rows = tmp_path / "work", tmp_path / "rows.csv"
    work.mkdir()
    rows.write_text(ROWS)
    path = animal.write(work)
    limits = HEAVY if animal.heavy else msgspec.structs.replace(QUICK, wall=animal.wall, cpu=animal.cpu)
    before = sorted(str(each) for each in tmp_path.rglob("*"))
    with pytest.raises(ModelportError) as caught:
        pack_file(path, name="beast", sample_path=rows, trust_pickle=True, limits=limits)
    told = str(caught.value)
    print(animal.name, caught.value.code, told[:160])
    if caught.value.code != "sandbox-missing" or not needs_bubblewrap(path):
        assert caught.value.code in animal.code.split("|")
        assert animal.says in caught.value.message
    assert told.isprintable()
    assert not [word for word in ("Traceback", str(tmp_path), "the secret", "root:") if word in told]
    assert sorted(str(each) for each in tmp_path.rglob("*")) == before, "nothing is left behind"
