"""Which evidence belongs together: that of one candidate build, under one set of rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from gateway.parallel_run.plan import ParallelRun

UNNAMED = "unnamed"
"""A build that nobody names: an operator says when there is another (`figueira evidence reset`)."""
_DIGEST_CHARACTERS = 12
MOST_BUILD_CHARACTERS = 80


def epoch_key(build: str, digest: str) -> str:
    """``BUILD+DIGEST``: what the evidence of a trial is filed under.

    Args:
        build: What the candidate calls itself; empty if it does not say.
        digest: Of the rules.
    """
    name = "".join(each for each in build if each.isprintable())[:MOST_BUILD_CHARACTERS]
    return f"{name or UNNAMED}+{digest}"


def rules_digest(run: ParallelRun, soft_errors: Sequence[object] = ()) -> str:
    """A digest of what two answers are compared by, and of whose they are.

    Args:
        run: Its rules count, and which backends are compared; not how many trials there are, nor
            when that is enough.
        soft_errors: What both backends mean by their answers, as JSON has it.
    """
    told = [run.control, run.candidate, run.is_reversed, run.writes, asdict(run.rules)]
    told += [soft_errors] if soft_errors else []
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def parts(key: str) -> tuple[str, str]:
    """The build, and the digest of the rules."""
    build, _, digest = key.rpartition("+")
    return build or UNNAMED, digest
