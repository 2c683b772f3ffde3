"""An operator's terminal: commands are given in the gateway's folder."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from typing import Any

from tests.support.figueira import Figueira, run

USER = pwd.getpwuid(os.getuid()).pw_name
Ended = subprocess.CompletedProcess[str]


def give(figueira: Figueira, *words: str, **settings: str) -> Ended:
    """Give a command in the gateway's folder, as its operator."""
    path = figueira.routes.path
    return run(
        *words,
        folder=path.parent,
        FIGUEIRA_ADMIN_PORT=str(figueira.admin.base_url.port),
        **settings,
    )


def weight(figueira: Figueira) -> float:
    """The image service's, in percent."""
    weights: dict[str, float] = figueira.status()["routes"][0]["backends"]
    return weights["image_service"]


def json_of(ended: Ended) -> dict[str, Any]:
    """What was printed, and nothing beside it."""
    assert ended.stderr == ""
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
