"""curl, the program: one run for all that is asked, so that it may reuse its connection."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.third_parties.asks import Ask, Body, Framing, Seen, Session, Skill
from tests.support.content import MIB, content
from tests.support.processes import environment

PROGRAM = shutil.which("curl")
_PATIENCE_S = 60


class Curl:
    """The client."""

    name = "curl"
    skills = frozenset({Skill.EXPECT, Skill.TRAILERS, Skill.RAW_NAMES})

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Run it once."""
        with tempfile.TemporaryDirectory(prefix="figueira-curl-") as name:
            folder = Path(name)
            config = "\nnext\n".join(
                "\n".join(_options(base, ask, folder, number)) for number, ask in enumerate(asks)
            )
            done = run_curl("--disable", "--config", "-", stdin=config)
            reports = [json.loads(line) for line in done.splitlines()]
            seen = tuple(_seen(folder, number, report) for number, report in enumerate(reports))
        return Session(seen=seen, connections=sum(report["num_connects"] for report in reports))


def run_curl(*arguments: str, stdin: str = "") -> str:
    """Run it; return what it wrote."""
    assert PROGRAM is not None
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [PROGRAM, *arguments],
        input=stdin,
        env=environment(NO_PROXY="*"),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    return done.stdout


def _options(base: str, ask: Ask, folder: Path, number: int) -> list[str]:
    """One transfer's lines of a configuration file."""
    lines = [
        "http1.1",
        "no-progress-meter",
        "path-as-is",
        "globoff",
        f'url = "{base}{ask.path}"',
        f'dump-header = "{folder}/head-{number}"',
        'cookie = ""',
        'write-out = "%{json}\\n"',
        f"max-time = {_PATIENCE_S}",
    ]
    lines += [f'header = "{name}: {value}"' for name, value in ask.headers]
    if any(name == "Accept-Encoding" for name, _ in ask.headers):
        lines.append("compressed")
    if ask.follow:
        lines.append("location")
    if ask.method == "HEAD":
        # Its output would be the head once more.
        lines += ["head", 'output = "/dev/null"']
    else:
        lines.append(f'output = "{folder}/body-{number}"')
    if ask.upload is not None:
        lines += _upload_options(ask, folder, number)
    elif ask.method != "GET":
        lines.append(f"request = {ask.method}")
    return lines


def _upload_options(ask: Ask, folder: Path, number: int) -> list[str]:
    assert ask.upload is not None
    path = folder / f"upload-{number}"
    with path.open("wb") as file:
        file.writelines(content(ask.upload.size_bytes))
    lines = [f'upload-file = "{path}"', f"request = {ask.method}"]
    if ask.upload.framing is Framing.CHUNKED:
        lines.append('header = "Transfer-Encoding: chunked"')
    if not any(name == "Expect" for name, _ in ask.headers):
        lines.append('header = "Expect:"')
    return lines


def _seen(folder: Path, number: int, report: dict[str, object]) -> Seen:
    code = report["exitcode"]
    if code:
        return Seen(error=f"curl {code}")
    body = Body()
    path = folder / f"body-{number}"
    if path.exists():
        with path.open("rb") as file:
            while piece := file.read(MIB):
                body.add(piece)
    # A head for each answer on the way, interim ones and redirects included; trailers behind all.
    text = (folder / f"head-{number}").read_bytes().decode("latin-1")
    *heads, behind = text.split("\r\n\r\n")
    starts = [head.partition("\r\n")[0].split(" ", 2) for head in heads]
    _, status, *reason = starts[-1]
    return body.told(
        Seen(
            status=int(status),
            reason=reason[0] if reason else "",
            headers=_fields(heads[-1].partition("\r\n")[2]),
            hops=tuple(int(start[1]) for start in starts[:-1]),
            trailers=_fields(behind),
        )
    )


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    lines = [line.partition(":") for line in text.split("\r\n") if line]
    return tuple((name, value.strip()) for name, _, value in lines)
