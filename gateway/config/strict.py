"""What all mappings of routes.yaml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gateway.config.wording import Refusal


class Spec(BaseModel):
    """A mapping of the file: strict types, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def written(value: object) -> object:
    """A mapping that is there; what an empty key holds is refused."""
    if value is None:
        raise Refusal("must be a mapping, not nothing")
    return value
