"""A bundle file becomes a version, once per identity, with what it says of itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.killed import NEVER, Child
from tests.registry import bundles

from modelport.bundle.reader import open_bundle
from modelport.core.wishes import Registration
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as entries
from modelport.errors import BadRequest, BundleCorrupt, BundleRefused, Conflict, NameInvalid, NotFound
from modelport.registry.registry import Registry
from modelport.storage.content import sha256
from modelport.storage.local import LocalStore

ANNA = Author("anna")
PLAIN = Registration()


def actions(database: Database) -> list[tuple[str, str]]:
    with database.reading() as connection:
        found = [
            journal.read(row) for row in connection.execute(sa.select(entries).order_by(entries.c.number))
        ]
    assert journal.broken(iter(found)) is None
    return [(entry.action, entry.resource) for entry in found]


def test_the_first_bundle_is_version_1_and_the_same_again_stays_it(
    registry: Registry, tmp_path: Path, database: Database
) -> None:
    file = bundles.made(tmp_path / "new")
    first, made = registry.register(ANNA, "churn", file, PLAIN)
    assert (first.id, made) == ("churn:1", True)
    assert registry.register(ANNA, "churn", file, PLAIN) == (first, False)
    assert registry.version("default", "churn", "1") == first
    assert actions(database) == [("model.register", "churn:1")]


def test_a_version_knows_what_its_bundle_says(registry: Registry, tmp_path: Path) -> None:
    file = bundles.made(
        tmp_path / "new",
        label="2.1.0",
        tags={"team": "growth", "metric.auc": "0.93", "metric.loss": "nan"},
        source={"estimator": "LogisticRegression"},
        evidence={
            "parity.json": {"tried": [], "parity": {"label_agreement": 0.999}},
            "speed.json": {"timings": [{"rows": 1, "compiled_us": 12.5}, {"rows": 32, "compiled_us": 99}]},
            "evaluation.json": {"accuracy": 0.91, "rows": 500, "by_class": {"yes": 1}},
        },
    )
    wish = Registration(dataset="sales-2026", training_run="run-7")
    version, _ = registry.register(ANNA, "churn", file, wish)
    assert (version.label, version.task, version.created_by) == ("2.1.0", "regression", "anna")
    assert version.metrics == {
        "auc": 0.93, "parity.label_agreement": 0.999, "speed.row_us": 12.5, "accuracy": 0.91, "rows": 500.0
    }  # fmt: skip
    assert version.tags == {"team": "growth"}
    assert version.lineage.source == {"estimator": "LogisticRegression"}
    assert (version.lineage.dataset, version.lineage.training_run) == ("sales-2026", "run-7")
    assert (version.artifact, version.size) == (sha256(file), file.stat().st_size)
    with open_bundle(registry.bundle("default", "churn", "1")) as bundle:
        assert bundle.identity == version.identity


def test_versions_that_take_and_give_the_same_have_one_contract(registry: Registry, tmp_path: Path) -> None:
    first, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 1), PLAIN)
    second, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2), PLAIN)
    assert first.contract == second.contract
    assert (first.number, second.number) == (1, 2)
    model = registry.model("default", "churn")
    assert (model.versions, model.latest, model.created_by) == (2, 2, "anna")


def test_a_new_version_of_the_same_identity_is_made_when_it_is_wished(
    registry: Registry, tmp_path: Path
) -> None:
    file = bundles.made(tmp_path / "new")
    registry.register(ANNA, "churn", file, PLAIN)
    again, made = registry.register(ANNA, "churn", file, Registration(new_version=True))
    assert (again.number, made) == (2, True)
    assert registry.register(ANNA, "churn", file, PLAIN)[0].number == 1


def test_another_project_has_versions_of_its_own(registry: Registry, tmp_path: Path) -> None:
    file = bundles.made(tmp_path / "new")
    registry.register(ANNA, "churn", file, PLAIN)
    other, made = registry.register(Author("ben", "shop"), "churn", file, PLAIN)
    assert (other.number, made) == (1, True)
    with pytest.raises(NotFound):
        registry.version("elsewhere", "churn", "1")


def test_a_label_names_one_version(registry: Registry, tmp_path: Path, store: LocalStore) -> None:
    registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 1, label="1.0.0"), PLAIN)
    with pytest.raises(Conflict) as caught:
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2, label="1.0.0"), PLAIN)
    assert caught.value.code == "label-taken"
    assert registry.model("default", "churn").versions == 1
    second, _ = registry.register(
        ANNA, "churn", bundles.made(tmp_path / "new", 2, label="1.0.0"), Registration(label="1.1.0")
    )
    assert (second.number, second.label) == (2, "1.1.0")  # what failed took no number


def test_a_label_cannot_be_taken_for_a_number(registry: Registry, tmp_path: Path) -> None:
    file = bundles.made(tmp_path / "new")
    for label in ("2", "v2", "latest", "model_v1", "churn_v3", "a" * 64, "../../etc", "a b"):
        with pytest.raises(NameInvalid):
            registry.register(ANNA, "churn", file, Registration(label=label))


def test_the_parent_is_a_version_that_is_there(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new"), Registration(parent=1))
    registry.register(ANNA, "churn", bundles.made(tmp_path / "new"), PLAIN)
    child, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2), Registration(parent=1))
    assert (child.number, child.lineage.parent) == (2, 1)


def test_a_damaged_bundle_is_refused_and_nothing_is_kept(
    registry: Registry, tmp_path: Path, store: LocalStore
) -> None:
    file = bundles.made(tmp_path / "new", evidence={"evaluation.json": {"accuracy": 0.9}})
    whole = file.read_bytes()
    for at in (0, 300, -30):
        data = bytearray(whole)
        data[at] ^= 0xFF
        file.write_bytes(data)
        with pytest.raises((BundleCorrupt, BundleRefused)):
            registry.register(ANNA, "churn", file, PLAIN)
    assert list(store.kept()) == []
    with pytest.raises(NotFound):
        registry.model("default", "churn")


def test_a_bundle_that_hides_a_program_is_refused(registry: Registry, tmp_path: Path) -> None:
    from modelport.bundle.writer import write
    from modelport.core.manifest import FORMAT, About, Manifest, Parameters

    manifest = Manifest(FORMAT, "dummy", "regression", bundles.VECTOR, None, (), Parameters(), ())
    write(tmp_path / "evil.zip", manifest, About("x"), {"model/x.pkl": b"\x80\x04cos\nsystem\n."}, {})
    with pytest.raises(BundleRefused):
        registry.register(ANNA, "churn", tmp_path / "evil.zip", PLAIN)


def test_a_folder_and_foreign_files_are_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    for path in (tmp_path, tmp_path / "model.pkl"):
        with pytest.raises(BundleRefused):
            registry.register(ANNA, "churn", path, PLAIN)


HOSTILE = (
    "../../etc", "/etc/passwd", "//proc/self/root/etc", "file:///etc", "http:///#/../../etc",
    "x;/../../etc", "%2e%2e%2f", "%252e%252e%252f", "..\\..\\", "x;touch /tmp/pwn", "$(id)", "a/b", "con\n",
)  # fmt: skip
UNPRINTABLE = ("/etc\0", "x" * 5000)


def test_no_words_of_a_caller_lead_to_a_file(registry: Registry, tmp_path: Path, store: LocalStore) -> None:
    """A name that is none is refused; lineage is kept as words. All that is made has a name of our own."""
    file = bundles.made(tmp_path / "new")
    for number, words in enumerate(HOSTILE, 1):
        with pytest.raises(NameInvalid):
            registry.register(ANNA, words, file, PLAIN)
        wish = Registration(dataset=words, training_run=words, new_version=True)
        assert registry.register(ANNA, "churn", file, wish)[0].number == number
        assert registry.version("default", "churn", str(number)).lineage.dataset == words
    assert {path.relative_to(tmp_path).parts[0].partition("-")[0] for path in tmp_path.rglob("*")} <= {
        "new", "artifacts", "modelport.db",
    }  # fmt: skip
    assert len(list(store.kept())) == 1


def test_hostile_words_name_nothing_that_is_there(registry: Registry, tmp_path: Path) -> None:
    file = bundles.made(tmp_path / "new")
    registry.register(ANNA, "churn", file, PLAIN)
    for words in (*HOSTILE, *UNPRINTABLE, "", "\u202eevil"):
        with pytest.raises(NotFound):
            registry.version("default", "churn", words)
        with pytest.raises(NotFound):
            registry.model("default", words)
        with pytest.raises(NotFound):
            registry.version("default", words, "1")
    for words in UNPRINTABLE:
        with pytest.raises(BadRequest):
            registry.register(ANNA, "churn", file, Registration(dataset=words))
        with pytest.raises(BadRequest):
            registry.models("default", text=words)


def test_a_lost_artifact_is_mended_by_registering_again(
    registry: Registry, tmp_path: Path, store: LocalStore, database: Database
) -> None:
    first, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new"), PLAIN)
    store.delete(first.artifact)
    file = bundles.made(tmp_path / "new", source={"packed": "again"})  # the same identity, another file
    mended, made = registry.register(ANNA, "churn", file, PLAIN)
    assert (mended.id, made, mended.artifact) == ("churn:1", False, sha256(file))
    assert registry.bundle("default", "churn", "1").read_bytes() == file.read_bytes()
    assert actions(database)[-1] == ("model.mend", "churn:1")


def test_another_file_of_the_same_identity_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    first, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new"), PLAIN)
    other = bundles.made(tmp_path / "new", source={"packed": "again"})
    assert registry.register(ANNA, "churn", other, PLAIN) == (first, False)


def test_many_at_once_get_numbers_without_a_gap(registry: Registry, tmp_path: Path) -> None:
    files = [bundles.made(tmp_path / "new", factor) for factor in range(12)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda file: registry.register(ANNA, "churn", file, PLAIN), files))
    assert sorted(version.number for version, _ in found) == list(range(1, 13))
    assert all(made for _, made in found)


def test_processes_that_register_at_once_get_numbers_without_a_gap(
    database: Database, tmp_path: Path
) -> None:
    """The long form is in `tests/slow`: 16 processes of 200 registrations."""
    url = database.url.render_as_string(hide_password=False)

    def register(process: int) -> list[str]:
        files = [bundles.made(tmp_path / f"new-{process}", 10 * process + turn) for turn in range(6)]
        with Child("tests.registry.crash", url, tmp_path) as child:
            return [child.do(NEVER, "churn", str(file))[1] for file in files]

    with ThreadPoolExecutor(2) as threads:
        found = [said for part in threads.map(register, range(2)) for said in part]
    assert sorted(found) == sorted(f"churn:{number}" for number in range(1, 13))


def test_many_of_the_same_at_once_are_one_version(registry: Registry, tmp_path: Path) -> None:
    file = bundles.made(tmp_path / "new")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: registry.register(ANNA, "churn", file, PLAIN), range(12)))
    assert {version.id for version, _ in found} == {"churn:1"}
    assert sum(made for _, made in found) == 1
