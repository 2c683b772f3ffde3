"""Layout and sizes: what the other linters do not look at.

Run as ``python -m tools.check_layout``; every finding is one line, and any finding fails.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOP_LEVEL = frozenset(
    {
        ".ci",
        ".dockerignore",
        ".gitignore",
        "Makefile",
        "README.md",
        "bench",
        "deploy",
        "docker-compose.yml",
        "docs",
        "gateway",
        "image_service",
        "legacy_stub",
        "pyproject.toml",
        "requirements-dev.lock",
        "requirements.lock",
        "routes.schema.json",
        "routes.yaml",
        "tests",
        "tools",
    }
)
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_README_LINES = 150
VAGUE_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"})
_REGISTRY = re.compile(r"https?://[^\s\"')]*(?:pypi|pythonhosted|npmjs|registry\.)", re.IGNORECASE)
_TEXT = frozenset({".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".json", ".txt", ".sh", ""})


def tracked() -> list[Path]:
    """Files that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is on PATH
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [Path(line) for line in listed.stdout.split("\0") if (ROOT / line).is_file()]


def findings(files: list[Path]) -> Iterator[str]:
    """Everything out of place."""
    for name in sorted({file.parts[0] for file in files} - TOP_LEVEL):
        yield f"{name}: not a place of the top level; see TOP_LEVEL"
    for file in files:
        if file.suffix in _TEXT:
            yield from _text_findings(file, (ROOT / file).read_bytes())
    readme = ROOT / "README.md"
    if not readme.is_file():
        yield "README.md: there is none"
    elif (readme_lines := readme.read_bytes().count(b"\n")) > MAX_README_LINES:
        yield f"README.md: {readme_lines} lines; at most {MAX_README_LINES}"


def _text_findings(file: Path, content: bytes) -> Iterator[str]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        yield f"{file}: is not UTF-8"
        return
    for number, line in enumerate(text.splitlines(), 1):
        if _REGISTRY.search(line):
            yield f"{file}:{number}: names a package registry's host"
    if file.suffix == ".py":
        yield from _source_findings(file, text)


def _source_findings(file: Path, text: str) -> Iterator[str]:
    if file.stem in VAGUE_NAMES:
        yield f"{file}: {file.stem!r} says nothing; name the thing"
    count = text.count("\n")
    if count > MAX_FILE_LINES:
        yield f"{file}: {count} lines; at most {MAX_FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                where = f"{file}:{node.lineno}: {node.name}"
                yield f"{where}: {length} lines; at most {MAX_FUNCTION_LINES}"


def main() -> int:
    """Print the findings; 1 if there are any."""
    found = list(findings(tracked()))
    for finding in found:
        sys.stdout.write(finding + "\n")
    sys.stdout.write(f"layout: {len(found)} findings\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
