"""Every way to flip: each leaves the gateway at a new percentage, and says when it was there."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.figueira import Figueira, run
from tests.support.polling import eventually
from tests.support.routes_file import RoutesFile

Flip = Callable[[Figueira, int], None]
"""Makes the image service's weight another; returns when every worker routes by it."""


def edited(figueira: Figueira, percent: int) -> None:
    """An editor truncates the file and writes it."""
    figueira.flip(percent, RoutesFile.write_in_place)


def renamed(figueira: Figueira, percent: int) -> None:
    """An editor renames a new file over the old one."""
    figueira.flip(percent, RoutesFile.rename_over)


def linked(figueira: Figueira, percent: int) -> None:
    """A link is swapped for another one."""
    figueira.flip(percent, RoutesFile.swap_symlink)


def mounted(figueira: Figueira, percent: int) -> None:
    """Kubernetes swaps a ConfigMap's folder."""
    figueira.flip(percent, RoutesFile.swap_folder)


def hung_up(figueira: Figueira, percent: int) -> None:
    """The file behind a link changes, where no watch sees it, and SIGHUP is sent."""
    before = figueira.status()["revision"]["number"]
    target = _behind_a_link(figueira)
    target.rename_over(target.flipped(percent))
    figueira.process.send(signal.SIGHUP)
    _wait(figueira, before)


def reloaded(figueira: Figueira, percent: int) -> None:
    """The same, and `figueira reload` is given: it returns when all have followed."""
    target = _behind_a_link(figueira)
    target.rename_over(target.flipped(percent))
    _give(figueira, "reload")


def was_set(figueira: Figueira, percent: int) -> None:
    """`figueira set` is given."""
    found = _give(figueira, "set", "images", f"image_service={percent}")
    assert found["state"] in {"serving", "unchanged"}, found


def undone(figueira: Figueira, _percent: int) -> None:
    """`figueira undo` is given: each goes one further back."""
    found = _give(figueira, "undo")
    assert found["state"] == "serving", found


WAYS: dict[str, Flip] = {
    "editor, in place": edited,
    "editor, rename": renamed,
    "symlink swap": linked,
    "ConfigMap swap": mounted,
    "SIGHUP": hung_up,
    "figueira reload": reloaded,
    "figueira set": was_set,
    "figueira undo": undone,
}


def make_bad(figueira: Figueira) -> None:
    """Put a file with a mistake in place, wait until it is refused, and put the good one back."""
    good = figueira.routes.text
    figueira.routes.write_in_place(good.replace("split:", "splitt:"))
    figueira.wait_for_problems()
    figueira.routes.write_in_place(good)
    figueira.wait_for_good_file()


def _behind_a_link(figueira: Figueira) -> RoutesFile:
    """The file in a folder that nobody watches; made if there is none yet."""
    path = figueira.routes.path
    folder = path.parent.with_name("behind")
    if path.resolve().parent != folder:
        folder.mkdir(exist_ok=True)
        target = RoutesFile(folder / "routes.yaml", figueira.routes.text)
        link = path.with_name(".link")
        link.symlink_to(target.path)
        link.replace(path)
    return RoutesFile(folder / "routes.yaml", figueira.routes.text)


def _wait(figueira: Figueira, before: int) -> None:
    def look() -> bool:
        status = figueira.status()
        number = status["revision"]["number"]
        return bool(
            number > before and all(worker["revision"] == number for worker in status["workers"])
        )

    eventually(look, "the flip")


def _give(figueira: Figueira, *words: str) -> dict[str, Any]:
    ended = run(
        *words,
        "--json",
        folder=Path(figueira.routes.path.parent),
        FIGUEIRA_ADMIN_PORT=str(figueira.admin.base_url.port),
    )
    assert ended.returncode == 0, ended
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
