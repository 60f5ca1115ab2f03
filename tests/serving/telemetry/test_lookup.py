"""Single records are found in spools, by id and by user, also while they are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelport.core.ids import PredictionIds
from modelport.core.telemetry import Outcome, PredictionEvent, mark
from modelport.serving.telemetry import lookup
from modelport.serving.telemetry.frames import Single, encode
from modelport.serving.telemetry.lookup import Lookup
from modelport.serving.telemetry.spool import Spool


def event(
    id: str,  # noqa: A002
    *,
    slot: str = "churn:1",
    user: str = "",
    outcome: Outcome = "ok",
) -> PredictionEvent:
    return PredictionEvent(
        id, slot, 0, 1, 1, outcome, None, "native", False, ("x",), mark(user) if user else ""
    )


def write(spool: Spool, *events: PredictionEvent) -> None:
    assert spool.append(encode([Single(each) for each in events], len(events), 0))


def ids(count: int, entropy: int = 1) -> list[str]:
    made = PredictionIds(entropy)
    return [made.next(1_800_000_000_000 + number) for number in range(count)]


def test_records_are_found_among_several_files_and_folders(tmp_path: Path) -> None:
    known = ids(40)
    for folder in ("a", "b"):
        spool = Spool(tmp_path / folder, 1, 0, file_bytes=400)
        for each in known[:20] if folder == "a" else known[20:]:
            write(spool, event(each))
    folders = [tmp_path / "a", tmp_path / "b"]
    assert len(list((tmp_path / "a").iterdir())) > 3
    found = Lookup().find(folders, [known[3], known[33], "01NOTHERE"])
    assert set(found) == {known[3], known[33]}
    assert found[known[3]].predictions == ("x",)


def test_what_is_written_after_a_look_is_found_by_the_next(tmp_path: Path) -> None:
    first, second = ids(2)
    spool, looking = Spool(tmp_path, 1, 0), Lookup()
    write(spool, event(first))
    assert looking.find([tmp_path], [second]) == {}
    write(spool, event(second))
    assert set(looking.find([tmp_path], [second])) == {second}


def test_a_file_that_cannot_hold_an_id_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ids(20)
    spool, looking = Spool(tmp_path, 1, 0, file_bytes=300), Lookup()
    for each in known:
        write(spool, event(each))
    looking.find([tmp_path], ["01NOTHERE"])
    read: list[Path] = []
    whole = lookup._events

    def noted(path: Path, start: int) -> Iterator[PredictionEvent]:
        read.append(path)
        return whole(path, start)

    monkeypatch.setattr(lookup, "_events", noted)
    assert set(looking.find([tmp_path], [known[7]])) == {known[7]}
    assert len(read) == 1


def test_a_torn_end_hides_nothing_that_was_whole(tmp_path: Path) -> None:
    [known] = ids(1)
    spool = Spool(tmp_path, 1, 0)
    write(spool, event(known))
    [file] = tmp_path.iterdir()
    with file.open("ab") as torn:
        torn.write(b"\x10\x00")
    assert set(Lookup().find([tmp_path], [known])) == {known}


def test_folders_and_files_that_are_gone_hold_nothing(tmp_path: Path) -> None:
    [known] = ids(1)
    spool, looking = Spool(tmp_path / "a", 1, 0), Lookup()
    write(spool, event(known))
    assert looking.find([tmp_path / "a", tmp_path / "none"], [known])
    for file in (tmp_path / "a").iterdir():
        file.unlink()
    assert looking.find([tmp_path / "a"], [known]) == {}


def test_the_latest_of_a_user_is_his_last_answer_at_that_model(tmp_path: Path) -> None:
    one, two, three, four, five = ids(5)
    spool = Spool(tmp_path, 1, 0, file_bytes=200)
    write(spool, event(one, user="anna"), event(two, user="ben"))
    write(spool, event(three, user="anna", slot="churn:2"), event(four, user="anna", slot="fraud:1"))
    write(spool, event(five, user="anna", outcome="fault"))
    found = Lookup().latest([tmp_path], "churn", [mark("anna"), mark("ben"), mark("carl")])
    assert {each.prediction_id for each in found.values()} == {three, two}


def test_of_two_workers_the_later_answer_counts(tmp_path: Path) -> None:
    known = ids(4)
    late, early = Spool(tmp_path, 1, 0), Spool(tmp_path, 1, 1)
    write(late, event(known[0], user="anna"), event(known[3], user="anna"))
    write(early, event(known[1], user="anna"), event(known[2], user="anna"))
    assert Lookup().latest([tmp_path], "churn", [mark("anna")])[mark("anna")].prediction_id == known[3]
