"""`modelport tune` on a real server, and what `modelport serve` makes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from sklearn.linear_model import LogisticRegression

import modelport
from modelport.bundle.attach import attach
from modelport.cli.app import app
from modelport.cli.serve import advised
from modelport.cli.tune.items import items_of
from modelport.compile.pack import pack
from modelport.core.manifest import identity
from modelport.core.tuning import ATTACHMENT, Tuning
from modelport.errors import BundleError
from modelport.serving.plans.standalone import make_plan
from modelport.serving.settings import Settings

CORES = len(os.sched_getaffinity(0))
ADVICE = Tuning(
    batch_size=8,
    instances=2,
    threads=2,
    intra_op=1,
    workers=3,
    target_p99_ms=50.0,
    connections=4,
    rate=1000.0,
    p99_ms=20.0,
    cores=CORES,
    processor="any",
    measured="2026-01-01T00:00:00Z",
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    path = tmp_path / "m.bundle"
    pack(model, name="m", sample=rows).save(path).close()
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def advise(bundle: Path, **changes: int) -> None:
    attach(bundle, ATTACHMENT, msgspec.json.encode(msgspec.structs.replace(ADVICE, **changes)))


def test_a_real_server_is_measured_and_the_result_written_into_the_bundle(bundle: Path) -> None:
    before = modelport.open_bundle(bundle).identity
    ended = run("tune", str(bundle), "--target-p99", "5s", "--budget", "2s", "--json")
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert told["tuning"]["rate"] > 0
    assert told["tuning"]["p99_ms"] <= 5000
    with modelport.open_bundle(bundle) as opened:
        assert opened.identity == before == identity(opened.manifest)
        assert json.loads(opened.attachment(ATTACHMENT)) == told["tuning"]


def test_a_target_nobody_meets_is_said_and_nothing_is_written(bundle: Path, tmp_path: Path) -> None:
    picture = tmp_path / "plot.svg"
    ended = run("tune", str(bundle), "--target-p99", "0.001ms", "--budget", "1s", "--plot", str(picture))
    assert ended.exit_code == 2
    assert "no setting keeps p99" in ended.stderr
    assert "late" in ended.stdout
    assert picture.read_text().startswith("<svg")
    with modelport.open_bundle(bundle) as opened:
        assert ATTACHMENT not in opened.attachments()


@pytest.mark.parametrize("text", ["50", "-1ms", "0ms", "fast", "1h"])
def test_a_time_that_is_none_is_refused(bundle: Path, text: str) -> None:
    ended = run("tune", str(bundle), "--target-p99", text)
    assert ended.exit_code == 2
    assert "50ms" in ended.stderr


def test_a_plan_made_on_the_spot_takes_the_advice(bundle: Path) -> None:
    advise(bundle)
    (slot,) = make_plan([str(bundle)], {}, cores=CORES).slots
    assert slot.instances == 2
    assert slot.parameters is not None
    assert slot.parameters.batch_size == 8
    (plain,) = make_plan([str(bundle)], {}, cores=None).slots
    assert (plain.instances, plain.parameters) == (1, None)


def test_advice_of_another_machine_is_not_taken(bundle: Path) -> None:
    advise(bundle, cores=CORES + 62)
    (slot,) = make_plan([str(bundle)], {}, cores=CORES).slots
    assert slot.parameters is None
    settings = Settings(bundles=(str(bundle),))
    assert advised(settings, set()) == settings


def test_what_is_said_on_the_command_line_comes_before_the_advice(bundle: Path) -> None:
    advise(bundle)
    settings = Settings(bundles=(str(bundle),), workers=1)
    assert advised(settings, set()).workers == 3
    assert advised(settings, {"workers"}).workers == 1
    untuned = msgspec.structs.replace(settings, tuning=False)
    assert advised(untuned, set()) == untuned


def test_several_bundles_share_their_workers_so_none_decides(bundle: Path) -> None:
    advise(bundle)
    settings = Settings(bundles=(str(bundle), str(bundle)))
    assert advised(settings, set()) == settings


def test_advice_that_is_not_well_formed_is_refused_by_name(bundle: Path) -> None:
    attach(bundle, ATTACHMENT, b'{"workers": "many"}')
    with pytest.raises(BundleError, match=r"m\.bundle.* not well formed") as caught:
        make_plan([str(bundle)], {}, cores=CORES)
    assert "--no-tuning" in caught.value.hint


def test_instances_that_scale_by_themselves_are_left_to_that(bundle: Path) -> None:
    advise(bundle)
    (slot,) = make_plan([str(bundle)], {}, cores=CORES, scale={"m": (1, 4)}).slots
    assert slot.instances == 1
    assert slot.parameters is not None
    assert slot.parameters.batch_size == 8


def test_items_come_from_golden_rows_or_from_a_file(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c,y\n1,2,3,1\n4,5,6,0\n")
    with modelport.open_bundle(bundle) as opened:
        golden = items_of(opened, None, None)
        assert len(golden) == 16
        assert all(len(item) == 3 for item in golden)
        assert items_of(opened, tmp_path / "rows.csv", "y") == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
