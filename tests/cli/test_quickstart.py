"""The parts of the quickstart that need no server of ours."""

from __future__ import annotations

import io
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from modelport.cli.quickstart import load, models, show
from modelport.errors import SettingsError


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Every third answer is a refusal."""
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(503 if self.server.asked % 3 == 0 else 200)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Silent."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        echo.daemon_threads = True
        echo.asked = 0  # type: ignore[attr-defined]
        thread = threading.Thread(target=echo.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield echo
        echo.shutdown()
        thread.join()


def test_the_closed_loop_counts_what_the_server_saw(server: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}"
    found = load.measure(url, "/x", [b"{}"], connections=1, seconds=0.2)
    assert found.failed == server.asked // 3  # type: ignore[attr-defined]
    assert found.answered + found.failed == server.asked  # type: ignore[attr-defined]
    assert found.rate > 0
    assert 0 < found.p50_ms <= found.p99_ms


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200),
        (b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", 503),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
    ],
)
def test_an_answer_counts_when_it_is_whole(data: bytes, status: int | None) -> None:
    assert load._complete(data) == status


def test_an_image_is_four_lines_of_eight() -> None:
    drawn = models.thumbnail([0.0] * 32 + [16.0] * 32)
    assert drawn.split("\n") == [" " * 8] * 2 + ["█" * 8] * 2


def test_the_line_to_copy_survives_a_shell() -> None:
    exhibit = models.Exhibit("news", "", None, None, None, ['it\'s a "test"'], ["x"], str)
    out = io.StringIO()
    show.curl(Console(file=out, width=20), "http://h", exhibit)
    words = shlex.split(out.getvalue().splitlines()[1])
    assert words[:3] == ["curl", "-s", "http://h/v1/models/news/predict"]
    assert json.loads(words[-1]) == {"input": 'it\'s a "test"'}


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="platform"):
        models.available()


def test_the_articles_are_read_as_data_wherever_the_package_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is found and never imported: this one would raise if it were."""
    package = tmp_path / models.BBC
    (package / "bbcnews" / "data" / "tech").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemError('imported')")
    (package / "bbcnews" / "data" / "tech" / "1.txt").write_bytes(b"Chips \xa3 up\n\nText.")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [title for title, _ in models.available()][-1] == "a text model: BBC News"
    assert models._articles() == [("Chips \ufffd up\n\nText.", "tech")]
