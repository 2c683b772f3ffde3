"""Secrets in routes.yaml: a reference to the environment, never the secret itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.config.units import text
from gateway.config.wording import Refusal, plural, quoted

SHORTEST = 32
"""Characters: 128 bits, even if there is nothing but hexadecimal digits in them."""
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-)?\}")


def secret(
    value: object, environment: Mapping[str, str], *, example: str = "${FIGUEIRA_PIN_SECRET}"
) -> str:
    """What ``${VAR}`` stands for; empty where the variable is unset and the default is empty.

    Raises:
        Refusal: no such reference, an unset variable, or too short. Nothing of a secret is shown.
    """
    written = text(value, example=f'"{example}"')
    if _REFERENCE.fullmatch(written) is None:
        raise Refusal(
            "a secret does not stand in this file", "write ${NAME}, a variable of the environment"
        )
    name = written[2:-1].partition(":-")[0]
    found = environment.get(name, "")
    if not found and written.endswith(":-}"):
        return ""
    if not found:
        raise Refusal(
            f"the environment variable {quoted(name)} is not set",
            f'set it, or write "${{{name}:-}}" where it may be missing',
        )
    if len(found) < SHORTEST:
        raise Refusal(
            f"the secret has {plural(len(found), 'character')}",
            f"at least {SHORTEST}: openssl rand -hex 32",
        )
    return found
