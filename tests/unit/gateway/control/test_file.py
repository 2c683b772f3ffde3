"""Reading routes.yaml costs no more than the largest file that is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.config import SIZE_LIMIT_BYTES
from gateway.control.file import read_config
from gateway.errors import ConfigError
from tests.support import flippable


def test_the_bytes_are_the_files(tmp_path: Path) -> None:
    assert read_config(flippable.write(tmp_path)) == flippable.text().encode()


def test_the_largest_file_allowed_is_read_and_the_next_larger_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.touch()
    os.truncate(path, SIZE_LIMIT_BYTES)
    assert len(read_config(path)) == SIZE_LIMIT_BYTES
    os.truncate(path, SIZE_LIMIT_BYTES + 1)
    with pytest.raises(ConfigError, match="1,048,577 bytes"):
        read_config(path)


def test_a_folder_in_the_files_place_costs_nothing_however_often_it_is_looked_at(
    tmp_path: Path,
) -> None:
    """Control looks once a second; descriptors left open would use up the system's in an hour."""
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(ConfigError, match="Is a directory"):
            read_config(tmp_path)
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("special", ["/dev/zero", "FIFO", "FOLDER"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, special: str) -> None:
    """A device never ends, and a pipe that nobody writes to would hold up every later flip."""
    path = Path(special)
    if special == "FIFO":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    elif special == "FOLDER":
        path = tmp_path
    with pytest.raises(ConfigError, match="cannot read the file: "):
        read_config(path)
