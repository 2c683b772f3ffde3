"""Node's own ``http`` module, in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path

from tests.e2e.third_parties.asks import Ask, Seen, Session, Skill
from tests.support.content import NUMBER_BYTES, block
from tests.support.processes import environment

PROGRAM = shutil.which("node")
_SCRIPT = Path(__file__).with_name("node_client.mjs")
_PATIENCE_S = 60


class Node:
    """The client."""

    name = "node"
    skills = frozenset({Skill.EXPECT, Skill.TRAILERS, Skill.RAW_NAMES})

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Run the script once."""
        assert PROGRAM is not None
        told = [asdict(ask) for ask in asks]
        for ask in told:
            if ask["upload"]:
                ask["upload"]["framing"] = ask["upload"]["framing"].value
        noise = b64encode(block(0)[NUMBER_BYTES:]).decode()
        done = subprocess.run(  # noqa: S603 - a fixed program and our own script, no shell
            [PROGRAM, str(_SCRIPT)],
            input=json.dumps({"base": base, "asks": told, "noise": noise}),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        answer = json.loads(done.stdout)
        return Session(
            seen=tuple(_seen(each) for each in answer["seen"]), connections=answer["connections"]
        )


def _seen(told: dict[str, object]) -> Seen:
    for name in ("headers", "trailers"):
        pairs = told.get(name, [])
        assert isinstance(pairs, list)
        told[name] = tuple((key, value) for key, value in pairs)
    return Seen(**told)  # type: ignore[arg-type]  # the script knows the fields
