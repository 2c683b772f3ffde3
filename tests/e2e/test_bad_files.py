"""A mistake in routes.yaml: told in full where it is, and never felt by a customer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Backends
from tests.support.figueira import Figueira, pids_of, run, serving
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

GOOD = """\
version: 1
backends:
  legacy: {url: "${LEGACY_URL}"}
  image_service: {url: "${IMAGE_SERVICE_URL}"}
routes:
  - name: images
    match: {path_prefix: /images}
    split: {image_service: 0, legacy: rest}
  - name: monolith
    match: {path_prefix: /}
    backend: legacy
"""
WHY_NO_ALIAS = "a few of them can stand for millions of values, so each value is written out"
KNOWN = "known keys: access_log, backends, egress, parallel_runs, routes, safety, trust, version"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """A bad file and every word that is said of it."""

    text: str | None
    """None: the file is deleted."""
    problems: tuple[str, ...]
    """``line:column: error: ...``, or without a place; the file's name stands before each."""


def _bomb() -> BadFile:
    """Ten lines that would stand for a thousand million values."""
    text, problems = "", []
    for level in range(10):
        items = ["*b" + str(level - 1)] * 9 if level else ["bum"] * 9
        line = f"b{level}: &b{level} ["
        problems += [
            f':{level + 1}:1: error: unknown key "b{level}" ({KNOWN})',
            *(
                [
                    f':1:1: error: missing key "{key}"{hint}'
                    for key, hint in (
                        ("version", " (add: version: 1)"),
                        ("backends", ""),
                        ("routes", ""),
                    )
                ]
                if level == 0
                else []
            ),
            f":{level + 1}:5: error: b{level}: anchor &b{level} is not supported: {WHY_NO_ALIAS}",
        ]
        if level:
            problems += [
                f":{level + 1}:{len(line) + 1 + 5 * n}: error: b{level}[{n}]: "
                f"alias *b{level - 1} is not supported: {WHY_NO_ALIAS}"
                for n in range(9)
            ]
        text += line + ", ".join(items) + "]\n"
    return BadFile(text=text, problems=tuple(problems))


BAD_FILES = {
    "a typo in a key": BadFile(
        text=GOOD.replace("split:", "splitt:"),
        problems=(':8:5: error: routes[0]: unknown key "splitt" (did you mean "split"?)',),
    ),
    "a duplicate key": BadFile(
        text=GOOD + "    backend: image_service\n",
        problems=(
            ':12:5: error: routes[1]: duplicate key "backend" (the first is at line 11, column 5)',
        ),
    ),
    "a weight on an unknown backend": BadFile(
        text=GOOD.replace("{image_service: 0", "{imageservice: 5"),
        problems=(
            ':8:13: error: routes[0].split: unknown backend "imageservice" '
            '(did you mean "image_service"?)',
        ),
    ),
    "a missing catch-all": BadFile(
        text=GOOD.replace("{path_prefix: /}", "{path_prefix: /products}"),
        problems=(
            ":9:5: error: routes[1]: missing catch-all: the last route must match everything "
            "(add as the last route: "
            "{name: everything-else, match: {path_prefix: /}, backend: NAME})",
        ),
    ),
    "two mistakes at once": BadFile(
        text=GOOD.replace("version: 1", "version: 2").replace("legacy: rest", "legacy: 50"),
        problems=(
            ":1:10: error: version: 2 is not supported (this release reads version 1)",
            ":8:12: error: routes[0].split: the weights sum to 50, not to 100 percent "
            "(add 50, or write rest for one backend)",
        ),
    ),
    "no YAML at all": BadFile(
        text=GOOD.replace("  - name: monolith", "\t- name: monolith"),
        problems=(":9:1: error: a tab cannot indent (use spaces)",),
    ),
    "an empty file": BadFile(
        text="",
        problems=(
            ": error: the file has no content "
            '(it needs the keys "version", "backends" and "routes")',
        ),
    ),
    "a file of 10 MB": BadFile(
        text="#" * 10_000_000,
        problems=(": error: the file has 10,000,000 bytes; the limit is 1,048,576 bytes (1 MiB)",),
    ),
    "an alias bomb": _bomb(),
    "a deleted file": BadFile(
        text=None, problems=(": error: cannot read the file: No such file or directory",)
    ),
}

each_bad_file = pytest.mark.parametrize(
    "bad", [pytest.param(bad, id=name) for name, bad in BAD_FILES.items()]
)


@each_bad_file
def test_check_says_all_that_is_wrong_and_where(
    tmp_path: Path, backends: Backends, bad: BadFile
) -> None:
    """One line a problem and how many there are, on standard error; exit code 1."""
    file = tmp_path / "routes.yaml"
    if bad.text is not None:
        file.write_text(bad.text)
    ended = run("check", str(file), folder=tmp_path, **backends.settings)
    lines = [f"{file}{problem}" for problem in bad.problems]
    count = len(lines)
    lines.append(f"{count} problem{'s' * (count != 1)} in {file}")
    assert ended.stderr.splitlines() == lines
    assert (ended.stdout, ended.returncode) == ("", 1)


@pytest.fixture(scope="module")
def figueira(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Figueira]:
    """One gateway that sees all the bad files, one after the other."""
    with serving(tmp_path_factory.mktemp("bad-files"), GOOD, **backends.settings) as figueira:
        yield figueira


@each_bad_file
def test_promise_5_a_bad_file_changes_nothing_and_a_mended_one_clears_it(
    figueira: Figueira, backends: Backends, bad: BadFile
) -> None:
    """The last good revision serves on; the status tells what `figueira check` tells."""
    with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        before, told = figueira.status(), len(figueira.events("revision_unchanged"))
        if bad.text is None:
            figueira.routes.remove()
        else:
            figueira.routes.rename_over(bad.text)
        problems = figueira.wait_for_problems()
        assert problems == _checked(figueira.routes.path, backends)
        bad_status = figueira.status()
        assert bad_status["config"]["failures"] == before["config"]["failures"] + 1
        assert bad_status["revision"] == before["revision"]
        assert pids_of(bad_status) == pids_of(before)
        assert shop.get("/products").status_code == 200
        assert figueira.ready() == 200
        assert "[!]config failed" in figueira.admin.get("/readyz?verbose").text
        assert figueira.samples()["figueira_config_last_reload_successful"] == 0

        figueira.routes.rename_over(GOOD)
        mended = figueira.wait_for_good_file()
        assert (mended["config"]["problems"], mended["revision"]) == ([], before["revision"])
        eventually(lambda: len(figueira.events("revision_unchanged")) == told + 1, "a word of it")
        assert "[+]config ok" in figueira.admin.get("/readyz?verbose").text
        assert figueira.samples()["figueira_config_last_reload_successful"] == 1


def _checked(file: Path, backends: Backends) -> object:
    ended = run("check", "--json", str(file), folder=file.parent, **backends.settings)
    return json.loads(ended.stdout)["problems"]


def test_a_bad_file_can_be_replaced_by_a_new_good_one(figueira: Figueira) -> None:
    """The mistake is not in the way of what comes after it."""
    figueira.routes.rename_over(GOOD.replace("split:", "splitt:"))
    figueira.wait_for_problems()
    figueira.change(type(figueira.routes).rename_over, GOOD.replace("service: 0", "service: 7"))
    status = figueira.wait_for_good_file()
    assert status["routes"][0]["backends"] == {"image_service": 7, "legacy": 93}
