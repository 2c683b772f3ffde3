"""docker-compose.yml and the Dockerfile as typed values, as far as the tests look at them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, Field

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[-?])(?P<rest>[^}]*)\}")
"""The two forms that the file uses: a default, or a message for where there is none."""


class Build(BaseModel):
    """How an image of ours is built."""

    context: str
    dockerfile: str
    target: str


class Bind(BaseModel):
    """A folder of the host."""

    type: str
    source: str
    target: str
    read_only: bool = False


class Health(BaseModel):
    """The health check; its first word is CMD."""

    test: list[str]


class Service(BaseModel):
    """One service; what it does not say has the engine's own default."""

    build: Build | None = None
    user: str | None = None
    command: list[str] = Field(default_factory=list)
    environment: dict[str, str] = Field(default_factory=dict)
    ports: list[str] = Field(default_factory=list)
    volumes: list[str | Bind] = Field(default_factory=list)
    networks: list[str] = Field(default_factory=list)
    depends_on: dict[str, dict[str, str]] = Field(default_factory=dict)
    healthcheck: Health
    stop_grace_period: str = "10s"
    restart: str = "no"
    init: bool = False
    read_only: bool = False
    tmpfs: list[str] = Field(default_factory=list)
    cap_drop: list[str] = Field(default_factory=list)
    security_opt: list[str] = Field(default_factory=list)

    def mounts(self) -> dict[str, str]:
        """Target -> source: a volume's name, or a path on the host."""
        mounts = {}
        for volume in self.volumes:
            if isinstance(volume, Bind):
                mounts[volume.target] = volume.source
            else:
                source, target, *_ = volume.split(":")
                mounts[target] = source
        return mounts


def variables() -> dict[str, str]:
    """The variables that the file asks for -> ``-`` (has a default) or ``?`` (must be set)."""
    return {found["name"]: found["kind"] for found in _VARIABLE.finditer(FILE.read_text())}


def services(environ: Mapping[str, str]) -> dict[str, Service]:
    """The services, as compose reads them in an environment.

    Raises:
        LookupError: A variable that must be set is not, or is empty.
    """
    document = yaml.safe_load(FILE.read_text())
    return {
        name: Service.model_validate(_interpolated(service, environ))
        for name, service in document["services"].items()
    }


def _interpolated(value: object, environ: Mapping[str, str]) -> object:
    def fill(found: re.Match[str]) -> str:
        if given := environ.get(found["name"]):
            return given
        if found["kind"] == "?":
            raise LookupError(found["name"], found["rest"])
        return found["rest"]

    match value:
        case str():
            filled = _VARIABLE.sub(fill, value)
            assert "$" not in filled, f"a form that this reader does not know: {value}"
            return filled
        case dict():
            return {key: _interpolated(item, environ) for key, item in value.items()}
        case list():
            return [_interpolated(item, environ) for item in value]
        case _:
            return value


def stages() -> dict[str, list[tuple[str, str]]]:
    """The Dockerfile's stages -> their instructions, in order, with their arguments."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text()).replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            name = rest.rpartition(" AS ")[2]
        found.setdefault(name, []).append((instruction, " ".join(rest.split())))
    return found


def last(stage: str, instruction: str) -> str:
    """The instruction that counts: a stage's last."""
    return [rest for name, rest in stages()[stage] if name == instruction][-1]


def words(text: str) -> list[str]:
    """The exec form's words."""
    parsed = json.loads(text)
    assert isinstance(parsed, list)
    return [str(word) for word in parsed]
