"""The layout check finds each kind of thing out of place, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import check_layout
from tools.check_layout import findings, main, tracked


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with nothing out of place."""
    monkeypatch.setattr(check_layout, "ROOT", tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)  # noqa: S607 - git is on PATH
    (tmp_path / "README.md").write_text("# Figueira\n")
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "door.py").write_text("def open() -> None: ...\n")
    return tmp_path


def _found(root: Path, name: str, text: str) -> list[str]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return list(findings(tracked()))


def test_a_tidy_repository_has_no_findings(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.is_dir()
    assert main() == 0
    assert capsys.readouterr().out == "layout: 0 findings\n"


def test_what_git_ignores_is_not_looked_at(root: Path) -> None:
    (root / ".gitignore").write_text("junk/\n")
    assert _found(root, "junk/utils.py", "") == []


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("scratch/a.py", "", "scratch: not a place of the top level; see TOP_LEVEL"),
        ("gateway/utils.py", "", "gateway/utils.py: 'utils' says nothing; name the thing"),
        ("gateway/a.py", "\n" * 401, "gateway/a.py: 401 lines; at most 400"),
        (
            "gateway/a.py",
            "class A:\n    async def run(self) -> None:\n" + "        pass\n" * 60,
            "gateway/a.py:2: run: 61 lines; at most 60",
        ),
        ("README.md", "\n" * 151, "README.md: 151 lines; at most 150"),
        (
            "docs/a.md",
            "one\nSee https:" + "//pypi.org/simple\n",
            "docs/a.md:2: names a package registry's host",
        ),
        ("gateway/não.py", "\n" * 401, "gateway/não.py: 401 lines; at most 400"),
        ("docs/a.md", "\udcff", "docs/a.md: is not UTF-8"),
    ],
    ids=["place", "name", "file", "function", "readme", "registry", "not ASCII", "not UTF-8"],
)
def test_each_thing_out_of_place_is_one_line(
    root: Path, name: str, text: str, finding: str
) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert list(findings(tracked())) == [finding]
    assert main() == 1


def test_the_limits_themselves_are_allowed(root: Path) -> None:
    function = "def f() -> None:\n" + "    pass\n" * 59
    assert _found(root, "gateway/a.py", function + "\n" * 340) == []


def test_a_missing_readme_is_a_finding(root: Path) -> None:
    (root / "README.md").unlink()
    assert list(findings(tracked())) == ["README.md: there is none"]
