"""`figueira pin`: what it prints is a header that a gateway honours, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.cli.pin import read_duration_s
from gateway.wire.pins import Fault, PinKey, read_pin

_SECRET = "pin" * 11
_ROUTES = """\
version: 1
trust: {pin_secret: "${PIN_SECRET:-}"}
backends:
  legacy: {url: "http://127.0.0.1:1"}
  image_service: {url: "http://127.0.0.1:2"}
  spare: {url: "http://127.0.0.1:3"}
routes:
  - {name: images, match: {path_prefix: /images}, split: {image_service: 0, legacy: rest}}
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a verb on the routes above, with the secret set."""
    file = tmp_path / "routes.yaml"
    file.write_text(_ROUTES, "utf-8")
    monkeypatch.setenv("PIN_SECRET", _SECRET)

    def run(verb: str, *arguments: str) -> Result:
        return CliRunner().invoke(app, [verb, "--config", str(file), *arguments])

    return run


def test_the_header_alone_is_printed_and_it_is_honoured(run: Run) -> None:
    result = run("pin", "image_service", "--for", "8h")
    assert result.exit_code == 0
    name, _, value = result.stdout.rstrip("\n").partition(": ")
    assert name == "X-Figueira-Backend"
    expires_s = int(value.split(".")[1])
    before = PinKey(secret=_SECRET, now_s=expires_s - 1)
    assert read_pin(value.encode(), before) == "image_service"
    assert read_pin(value.encode(), PinKey(secret=_SECRET, now_s=expires_s)) is Fault.EXPIRED
    assert "new work of images goes to image_service until 20" in result.stderr
    assert _SECRET not in result.stdout + result.stderr


def test_what_is_printed_is_what_explain_believes(run: Run) -> None:
    """From an address that is no tester's; a forged one is told of, and not believed."""
    header = run("pin", "image_service").stdout.strip()
    said = run("explain", "POST", "/images", "-H", header)
    assert said.stdout.startswith(
        "POST /images goes to image_service\n"
        "  route    images\n"
        "  because  X-Figueira-Backend asks for it, from somebody who may\n"
    )
    forged = header[:-4] + "AAAA"
    said = run("explain", "POST", "/images", "-H", forged)
    assert "goes to legacy" in said.stdout
    assert "note     X-Figueira-Backend is not read: its signature is wrong" in said.stdout


def test_as_json_it_says_until_when_and_for_which_routes(run: Run) -> None:
    told = json.loads(run("pin", "legacy", "--json").stdout)
    assert told["header"] == "X-Figueira-Backend"
    assert told["value"].startswith("legacy.")
    assert told["routes"] == ["images"]
    assert told["expires"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["legcy"], 2, 'split has a backend "legcy" (did you mean "legacy"?)'),
        (["spare"], 2, "(known backends of splits: image_service, legacy)"),
        (["legacy", "--for", "forever"], 2, "--for 'forever' is no time from 1m to 30d"),
        (["legacy", "--for", "31d"], 2, "--for '31d' is no time from 1m to 30d"),
        (["legacy", "--for", "8"], 2, "write 30m, 8h or 2d"),
    ],
    ids=["misspelt", "no-split", "a-word", "too-long", "no-unit"],
)
def test_wrong_use_is_told_in_one_line(
    run: Run, arguments: list[str], code: int, said: str
) -> None:
    result = run("pin", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_a_secret_there_is_no_pin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIN_SECRET")
    result = run("pin", "legacy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "has no trust.pin_secret" in result.stderr


def test_a_file_that_cannot_be_used_is_told_as_check_tells_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIN_SECRET", "hunter2")
    result = run("pin", "legacy")
    assert result.exit_code == 1
    assert "trust.pin_secret: the secret has 7 characters" in result.stderr
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m", 60), ("8h", 28_800), ("30d", 2_592_000), ("0m", None), ("721h", None), ("", None)],
)
def test_a_time_has_a_unit_and_an_end(text: str, seconds: int | None) -> None:
    assert read_duration_s(text) == seconds
