"""`figueira diff`: what it prints, in every form, whatever the traffic looks like.

The golden outputs are `golden/diff.txt`, `.json` and `.md`.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.ink import ink_for
from gateway.config import load
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.shop import head
from tests.unit.gateway.whatif.recorded import KEY, Recorded

GOLDEN = Path(__file__).parent / "golden"
OLD = """\
version: 1
safety: {max_moved: 25%}
backends:
  legacy: {url: "http://127.0.0.1:1"}
  image_service: {url: "http://127.0.0.1:2"}
routes:
  - name: images
    match: {path_prefix: /images}
    split: {image_service: 10, legacy: rest}
    sticky: [{header: X-Customer-Id}, client_ip]
    owner:
      id: "/images/{id}"
      ranges: {legacy: 1..1000, image_service: 1001..}
      unknown: legacy
      lists: legacy
  - name: reports
    match: {path_prefix: /reports}
    backend: legacy
  - name: monolith
    match: {path_prefix: /}
    backend: legacy
"""
NEW = """\
version: 1
backends:
  legacy: {url: "http://127.0.0.1:1"}
  image_service: {url: "http://127.0.0.1:2"}
routes:
  - name: beta
    match: {path_prefix: /products, headers: {X-Beta: "on"}}
    backend: image_service
  - name: images
    match: {path_prefix: /images}
    split: {image_service: 60, legacy: rest}
    sticky: [{header: X-Customer-Id}, client_ip]
  - name: archive
    match: {path_prefix: /reports}
    backend: legacy
  - name: monolith
    match: {path_prefix: /}
    backend: legacy
"""


def _traffic() -> bytes:
    recorded = Recorded(load(OLD.encode()))
    asked: list[RequestHead] = []
    for number in range(12):
        customer = {b"x-customer-id": b"%d" % (number % 6)}
        asked.append(head("/images", b"POST", customer, "192.0.2.1"))
    asked += [head(f"/images/{number}", b"GET", {}, "192.0.2.7") for number in (7, 1007)]
    asked += [head("/products/1", client_ip="192.0.2.1"), head("/reports/1|2`@all`")]
    asked += [head("/a/../images", b"POST", client_ip="192.0.2.1"), head("/other")]
    lines = [recorded.line(request) for request in asked]
    foreign = b"INFO: a line of another program\n"
    refused = (
        b'{"time":"2026-11-23T03:00:01.000Z","method":"","path":"","status":400,"duration_ms":1}\n'
    )
    return b"".join([lines[0][-40:], *lines, foreign, refused, lines[0][:40]])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both files and the traffic, in a folder that is the current one."""
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    (tmp_path / "access.log").write_bytes(_traffic())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIGUEIRA_TOKEN_KEY", KEY.decode())
    monkeypatch.setenv("FIGUEIRA_ADMIN_PORT", "1")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    """Run the verb; exit code, standard output, standard error."""
    result = CliRunner().invoke(app, ["diff", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "golden"),
    [([], "diff.txt"), (["--json"], "diff.json"), (["--markdown"], "diff.md")],
)
def test_the_output_is_the_golden_one(options: list[str], golden: str) -> None:
    code, out, err = run("old.yaml", "new.yaml", "--traffic", "access.log", *options)
    assert (code, err) == (1, "")
    assert out == (GOLDEN / golden).read_text("utf-8")


@pytest.mark.usefixtures("folder")
def test_nothing_moves_between_equal_files() -> None:
    code, out, _ = run("old.yaml", "old.yaml", "--traffic", "access.log")
    assert code == 0
    assert "No request of 18 would move." in out


@pytest.mark.parametrize("content", [b"", b"another program's line\n"], ids=["empty", "foreign"])
def test_a_log_without_a_single_request_tells_nothing(folder: Path, content: bytes) -> None:
    """Not that nothing moves: a pipeline with the wrong log would go on."""
    (folder / "other.log").write_bytes(content)
    code, out, _ = run("old.yaml", "new.yaml", "--traffic", "other.log")
    assert code == 2
    assert "No recorded request could be put before the two files." in out


def test_what_may_move_is_no_nothing(folder: Path) -> None:
    """A header that nobody recorded may decide: exit code 1, and the key is named."""
    log = b'192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "POST /images HTTP/1.1" 200 1 "-" "x"\n'
    (folder / "nginx.log").write_bytes(log * 3)
    code, out, _ = run("old.yaml", "new.yaml", "--traffic", "nginx.log")
    assert code == 1
    assert "As far as the record tells, no request of 3 would move." in out
    assert "missing header x-customer-id: 3 requests, 3 writes (route images)" in out


@pytest.mark.parametrize("form", [(), ("--markdown",)])
def test_hostile_lines_give_no_orders_to_whoever_reads(folder: Path, form: tuple[str, ...]) -> None:
    """Neither to a terminal nor, by a line of their own, to a forge that shows Markdown."""
    line = {
        "time": "\x1b[1m2026",
        "method": "\x1b[31mPOST\n\n# @all\n" + "M" * 1000,
        "path": "/reports/1\x9b2J",
        "status": 201,
        "client": "192.0.2.1",
    }
    (folder / "all.yaml").write_text(OLD.replace("backend: legacy", "backend: image_service"))
    (folder / "access.log").write_text(json.dumps(line) + "\n")
    code, out, _ = run("old.yaml", "all.yaml", "--traffic", "access.log", *form)
    assert code == 1
    assert all(text.isprintable() for text in out.split("\n"))
    assert "# @all\n" not in out
    assert "M" * 100 not in out


@pytest.mark.parametrize("how", ["plain", "gzip", "two files", "standard input", "gzip by it"])
def test_traffic_comes_in_every_wrapping(folder: Path, how: str) -> None:
    traffic = _traffic()
    (folder / "access.log.gz").write_bytes(gzip.compress(traffic))
    half = traffic.index(b"\n", len(traffic) // 2) + 1
    (folder / "1.log").write_bytes(traffic[:half])
    (folder / "2.log").write_bytes(traffic[half:])
    files, stdin = {
        "plain": (["access.log"], None),
        "gzip": (["access.log.gz"], None),
        "two files": (["1.log", "2.log"], None),
        "standard input": (["-"], traffic),
        "gzip by it": (["-"], gzip.compress(traffic)),
    }[how]
    options = [word for file in files for word in ("--traffic", file)]
    code, out, err = run("old.yaml", "new.yaml", *options, "--json", stdin=stdin)
    assert (code, err) == (1, "")
    impact = json.loads(out)
    assert (impact["requests"], impact["moved"]) == (18, 5)
    assert impact["unread"]["torn"] == 2


def test_a_compressed_file_that_ends_early_counts_as_far_as_it_goes(folder: Path) -> None:
    whole = gzip.compress(_traffic() * 50)
    (folder / "cut.gz").write_bytes(whole[: len(whole) - 30])
    code, out, err = run("old.yaml", "new.yaml", "--traffic", "cut.gz", "--json")
    assert code == 1
    assert err.startswith("figueira: warning: cut.gz ends early: ")
    assert json.loads(out)["requests"] > 0


def test_a_file_without_lines_is_read_in_bounded_memory(folder: Path) -> None:
    """Five mebibytes of nothing are a handful of foreign lines."""
    (folder / "blob").write_bytes(b"\x01" * 5_000_000 + b"\n" + _traffic())
    code, out, _ = run("old.yaml", "new.yaml", "--traffic", "blob", "--json")
    impact = json.loads(out)
    assert (code, impact["requests"]) == (1, 18)
    assert impact["unread"]["foreign"] < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old.yaml", "new.yaml"], "--traffic"),
        (["old.yaml", "new.yaml", "x", "--traffic", "access.log"], "OLD and NEW"),
        (["old.yaml", "new.yaml", "--traffic", "access.log", "--json", "--markdown"], "not both"),
        (["old.yaml", "new.yaml", "--traffic", "none.log"], "none.log: No such file"),
        (["old.yaml", "bad.yaml", "--traffic", "access.log"], "bad.yaml:1:"),
        (["new.yaml", "--traffic", "access.log"], "http://127.0.0.1:1"),
        (["new.yaml", "--traffic", "access.log"], "no database knows a revision"),
        (["new.yaml", "--traffic", "access.log", "--admin", "http://127.0.0.1:1"], "give the old"),
        (["new.yaml", "--traffic", "access.log", "--admin", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_told_is_exit_code_2(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "bad.yaml").write_text("version: 2\n")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert not (folder / "var").exists(), "asking makes nothing"


@pytest.mark.usefixtures("folder")
def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("old.yaml", "new.yaml", "--traffic", "access.log")
    plain = run(*arguments)[1]
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run(*arguments)[1]
    assert "\x1b[1m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(*arguments)[1] == plain


@pytest.mark.parametrize(
    ("environment", "is_on"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_is_coloured_unless_told_otherwise(
    environment: dict[str, str], is_on: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert ink_for(Terminal(), environment).is_on is is_on
    assert not ink_for(io.StringIO(), environment).is_on


def _golden() -> Any:
    """Write the golden outputs anew: ``python -m tests.unit.gateway.cli.test_diff FOLDER``."""
    for options, golden in (
        ([], "diff.txt"),
        (["--json"], "diff.json"),
        (["--markdown"], "diff.md"),
    ):
        out = run("old.yaml", "new.yaml", "--traffic", "access.log", *options)[1]
        (GOLDEN / golden).write_text(out, "utf-8")


if __name__ == "__main__":
    sys.exit(_golden())
