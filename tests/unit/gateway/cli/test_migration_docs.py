"""docs/run-a-migration.md shows what the verbs say."""

from __future__ import annotations

import re
import shlex
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "run-a-migration.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n\$ (figueira .*?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHIPPED = (ROOT / "routes.yaml").read_text("utf-8")


def test_what_explain_says_on_the_page_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the shipped file at 5 percent; what needs a shell, or a secret, is told elsewhere."""
    text, found = re.subn(r"image_service: 0,", "image_service: 5,", SHIPPED)
    assert found == 1
    (tmp_path / "routes.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = [
        (command, out)
        for command, out in BLOCKS
        if command.startswith("figueira explain") and "$(" not in command
    ]
    assert told
    for command, out in told:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.stdout == out


def test_the_hashes_on_the_page_are_those_of_the_shipped_file() -> None:
    """At the weights that the page goes through, and with the mistake that it shows."""
    texts = [SHIPPED.replace("image_service: 0,", f"image_service: {n},") for n in (0, 5, 25)]
    texts.append(texts[-1].replace("split:", "splitt:"))
    known = {sha256(text.encode()).hexdigest()[:12] for text in texts}
    page = "\n".join(line for line in PAGE.splitlines() if "x-build" not in line)
    shown = re.findall(r"(?<=[ (=])[0-9a-f]{12}(?=[) \n]|[0-9a-f]{52}\n)", page)
    assert set(shown) == known


@pytest.mark.parametrize("command", [command for command, _ in BLOCKS])
def test_every_command_on_the_page_is_one_that_there_is(command: str) -> None:
    """Its verb, and each of its options."""
    verb, *words = shlex.split(command.partition(";")[0])[1:]
    verbs = [verb, words[0]] if verb == "evidence" else [verb]
    known = CliRunner().invoke(app, [*verbs, "--help"], env={"COLUMNS": "200"}).stdout
    assert "Usage:" in known
    for word in words:
        if word.startswith("-") and word != "-":
            assert word in known
