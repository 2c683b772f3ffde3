"""Which build answers is told, and other code has another name."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from image_service.build import of_sources, read_build
from image_service.errors import StartupError


async def test_every_answer_names_the_build(client: httpx.AsyncClient) -> None:
    """Pictures, errors and pages alike, and always the same."""
    paths = ("/images", "/images/7/file", "/images/abc", "/nowhere", "/readyz")
    names = {(await client.get(path)).headers["x-build"] for path in paths}
    assert names == {read_build(None)}


def test_other_code_has_another_name_and_the_same_code_the_same(tmp_path: Path) -> None:
    names = []
    for number, text in enumerate(("a = 1\n", "a = 2\n", "a = 1\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "code.py").write_text(text)
        (folder / "notes.txt").write_text(str(number))
        names.append(of_sources(folder))
    assert names[0] == names[2] != names[1]


def test_an_operator_may_name_it() -> None:
    assert read_build("2.4.1+abc") == "2.4.1+abc"


@pytest.mark.parametrize("name", ["two words", "ação", "a\nb", "x" * 81])
def test_a_name_that_no_header_can_hold_keeps_the_service_from_starting(name: str) -> None:
    with pytest.raises(StartupError, match="IMAGE_BUILD"):
        read_build(name)
