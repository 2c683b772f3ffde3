"""A routes.yaml that is edited while a gateway watches it, in every way that files are edited."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "routes.yaml"
"""The file that customers of the project get; it flips by one number on one line."""

_FLIP = re.compile(r"(?m)^(.*\bimage_service: )\d+(.*# FLIP\b)")

Way = Callable[["RoutesFile", str], None]
"""One way to change a file's content."""


class RoutesFile:
    """The file at `path`."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        """Write the file; None means the shipped one."""
        self.path = path
        self._numbers = count(1)
        path.write_text(SHIPPED.read_text() if text is None else text)

    @property
    def text(self) -> str:
        """The content now."""
        return self.path.read_text()

    def flipped(self, percent: int) -> str:
        """The content with another number in the line marked FLIP."""
        text, found = _FLIP.subn(rf"\g<1>{percent}\g<2>", self.text)
        assert found == 1, self.text
        return text

    def rename_over(self, text: str) -> None:
        """Write a new file beside and rename it over this one, as vim and most editors do."""
        beside = self._beside()
        beside.write_text(text)
        beside.replace(self.path)

    def write_in_place(self, text: str) -> None:
        """Truncate and write, as nano and shell redirections do."""
        self.path.write_text(text)

    def swap_symlink(self, text: str) -> None:
        """Put a symbolic link to a file in another folder in its place, in one step."""
        folder = self._beside()
        folder.mkdir()
        (folder / "routes.yaml").write_text(text)
        link = self._beside()
        link.symlink_to(folder / "routes.yaml")
        link.replace(self.path)

    def swap_folder(self, text: str) -> None:
        """Swap a link to a folder, as Kubernetes does with a ConfigMap's ``..data``."""
        folder, data = self._beside(), self.path.parent / "..data"
        folder.mkdir()
        (folder / self.path.name).write_text(text)
        link = self._beside()
        link.symlink_to(folder.name)
        link.replace(data)
        if not self.path.is_symlink() or os.readlink(self.path) != f"..data/{self.path.name}":
            link.symlink_to(f"..data/{self.path.name}")
            link.replace(self.path)

    def remove(self) -> None:
        """Delete it."""
        self.path.unlink()

    def _beside(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{next(self._numbers)}")
