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


def test_a_file_that_lies_about_its_size_is_refused_all_the_same() -> None:
    """A device says that it is empty, and never ends."""
    with pytest.raises(ConfigError, match="1,048,577 bytes"):
        read_config(Path("/dev/zero"))
