"""The command line as people meet it: through the app in this process, and as a real process."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from modelport import __version__
from modelport.bundle.writer import write
from modelport.cli.app import app
from modelport.cli.keys import parse_expiry
from modelport.core.access import AccessSnapshot, matches, parse_key
from modelport.core.manifest import FORMAT, About, Manifest, Parameters
from modelport.core.signature import Field, Signature
from modelport.errors import SettingsError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelport.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The smallest bundle there is; its evidence is what `pack` writes."""
    signature = Signature(
        "vector",
        (Field("x", "FP32", (-1, 2), columns=("age", "income"), minimum=0.0, maximum=9.0),),
        (Field("label", "INT64", (-1,)),),
    )
    manifest = Manifest(FORMAT, "dummy", "classification", signature, ("no", "yes"), (), Parameters(), ())
    parity = {"rows": 9, "edge_rows": 3, "label_agreement": 1.0, "differences": [{"max_absolute": 1e-7}]}
    proof = {"tried": [{"candidate": "float32", "refused": ""}], "parity": parity}
    speed = {"machine": "m", "timings": [{"rows": 1, "original_us": 400.0, "compiled_us": 10.0}]}
    attachments = {"parity.json": json.dumps(proof).encode(), "speed.json": json.dumps(speed).encode()}
    write(
        tmp_path / "loan.bundle", manifest, About("loan", "2.1.0"), {"model/dummy.json": b"{}"}, attachments
    )
    return tmp_path / "loan.bundle"


def test_version_names_what_answers_depend_on() -> None:
    assert f"modelport {__version__}\n" in run("version").stdout
    assert {"modelport", "python", "onnxruntime"} <= json.loads(run("version", "--json").stdout).keys()


def test_an_error_of_ours_is_one_line_with_a_hint_and_exit_code_two() -> None:
    ended = process("inspect", "nothing.bundle")
    assert ended.returncode == 2
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: there is no bundle 'nothing.bundle' (")


def test_a_wrong_option_is_told_with_exit_code_two() -> None:
    assert process("serve", "--portt", "1").returncode == 2


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, bundle: Path) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("modelport.cli.evidence.gather", interrupted)
    assert run("inspect", str(bundle)).exit_code == 130


@pytest.mark.parametrize("command", [["--help"], ["serve", "--help"], ["version"]])
def test_small_commands_load_nothing_heavy(command: list[str]) -> None:
    """Names are counted instead of milliseconds: what is not imported costs nothing."""
    code = (
        "import sys; sys.argv = ['modelport', *sys.argv[1:]]\n"
        "from modelport.cli.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'httpx', 'onnxruntime', 'sklearn', 'asyncio', 'pydantic', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_path_to_serving_loads_neither_rich_nor_a_client() -> None:
    code = (
        "import sys; import modelport.cli.app, modelport.serving.settings\n"
        "print(sorted(m for m in ('rich', 'httpx', 'numpy', 'modelport.client', 'modelport.compile')"
        " if m in sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


def test_inspect_shows_contract_evidence_and_digests(bundle: Path) -> None:
    shown = run("inspect", str(bundle)).stdout
    for part in ("loan 2.1.0", "labels agree 100.00%", "1 row: 400 µs", "age, income", "0 to 9", "verified"):
        assert part in " ".join(shown.split()), part
    found = json.loads(run("inspect", str(bundle), "--json").stdout)
    assert (found["name"], found["executable"], found["labels"]) == ("loan", False, ["no", "yes"])
    assert found["parity"]["rows"] == 9


def test_inspect_reads_every_file_and_says_which_one_does_not_hold(bundle: Path) -> None:
    (bundle / "model/dummy.json").write_bytes(b"[]")
    ended = run("inspect", str(bundle))
    assert ended.exit_code == 2
    assert "model/dummy.json" in ended.stderr


def test_a_key_is_shown_once_stored_as_a_hash_and_can_be_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = run(
        *("keys", "create", "--name", "shop", "--scope", "infer:churn", "--scope", "metrics"),
        *("--rate", "100/s", "--file", str(file)),
    )
    text = made.stdout.strip()
    parsed = parse_key(text)
    assert parsed is not None
    stored = msgspec.json.decode(file.read_bytes(), type=AccessSnapshot)
    assert matches(stored.keys[0], parsed[1])
    assert parsed[1] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    [listed] = json.loads(run("keys", "list", "--file", str(file), "--json").stdout)
    assert (listed["name"], listed["scopes"], listed["rate"]) == ("shop", ["infer:churn", "metrics"], "100/s")
    assert "valid" in run("keys", "list", "--file", str(file)).stdout

    assert run("keys", "revoke", parsed[0], "--file", str(file)).exit_code == 0
    after = msgspec.json.decode(file.read_bytes(), type=AccessSnapshot)
    assert after.keys[0].revoked
    assert after.revision == stored.revision + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keys", "create", "--name", "x", "--scope", "everything"], "not a scope"),
        (["keys", "create", "--name", "x", "--scope", "admin", "--rate", "fast"], "not a rate"),
        (["keys", "create", "--name", "x", "--scope", "admin", "--expires", "soon"], "not a date"),
        (["keys", "list"], "cannot read the key file"),
        (["keys", "revoke", "AAAAAAAA"], "cannot read the key file"),
    ],
)
def test_a_wrong_key_command_changes_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    file = tmp_path / "keys.json"
    ended = run(*arguments, "--file", str(file))
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert not file.exists()


def test_a_file_that_holds_no_keys_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text('{"something": "else"}')
    ended = run("keys", "create", "--name", "x", "--scope", "admin", "--file", str(file))
    assert ended.exit_code == 2
    assert file.read_text() == '{"something": "else"}'


def test_an_expiry_is_a_number_of_days_or_the_end_of_a_day() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert parse_expiry("2d", now) == datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
    assert parse_expiry("2026-11-21", now) == datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    with pytest.raises(SettingsError, match="past"):
        parse_expiry("2026-11-20", now)


def test_predict_without_a_server_says_what_to_do() -> None:
    ended = run("predict", "churn", "--json", '{"a": 1}', "--url", "http://127.0.0.1:1")
    assert ended.exit_code == 2
    assert "modelport serve" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json", ""), "error: the document is not JSON"),
        (
            ("--json", "{}", "--input", "rows.csv"),
            "error: both --input and --json bring items (give one of them)",
        ),
        (
            ("--json", "{}", "--url", "http://127.0.0.1:9"),
            "error: the server cannot be reached: Connection refused (",
        ),
    ],
)
def test_predict_says_what_is_wrong_with_its_arguments(arguments: tuple[str, ...], said: str) -> None:
    ended = process("predict", "churn", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith(said)


@pytest.mark.parametrize("command", ["inspect", "serve"])
def test_what_is_no_bundle_is_named_with_what_to_do(tmp_path: Path, command: str) -> None:
    (tmp_path / "model.joblib").write_bytes(b"\x80\x04N.")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("model.joblib", "the file 'model.joblib' is no bundle"),
        ("empty", "the folder 'empty' is no bundle: it has no manifest.json"),
    ):
        port = ["--port", "0"] if command == "serve" else []
        ended = process(command, str(tmp_path / name), *port)
        assert ended.returncode == 2
        assert said in ended.stderr
        assert "made by `modelport pack`" in ended.stderr


def test_a_spool_that_cannot_be_written_is_told_at_the_start(bundle: Path) -> None:
    (bundle.parent / "file").touch()
    ended = process("serve", str(bundle), "--spool", str(bundle.parent / "file" / "spool"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: the spool 'spool' is not a folder that can be written (")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("modelport ke", "keys"),
        ("modelport serve --drain-s", "--drain-seconds"),
        ("modelport keys re", "revoke"),
    ],
)
def test_a_shell_completes_commands_and_options(words: str, offered: str) -> None:
    """As bash asks, once it has the script of `modelport completion bash`."""
    asked = {
        "_MODELPORT_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    ended = CliRunner().invoke(app, [], prog_name="modelport", env=asked)
    assert ended.stdout.split() == [f"plain,{offered}"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_modelport(shell: str) -> None:
    script = run("completion", shell).stdout
    assert f"_MODELPORT_COMPLETE={shell}_complete" in script


def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    program = tmp_path / "modelport"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m modelport.cli "$@"\n')
    program.chmod(0o755)
    typed = (
        f"PATH={tmp_path}:$PATH\n"
        'eval "$(modelport completion bash)"\n'
        "COMP_WORDS=(modelport serve --drain-s) COMP_CWORD=2\n"
        '"$(complete -p modelport | sed "s/.*-F \\([^ ]*\\).*/\\1/")" modelport\n'
        'echo "${COMPREPLY[@]}"\n'
    )
    ended = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("--drain-seconds\n", "")


def test_a_shell_there_is_no_script_for_is_refused() -> None:
    ended = run("completion", "csh")
    assert ended.exit_code == 2
    assert "csh" in ended.stderr
