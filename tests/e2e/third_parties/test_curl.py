"""What only curl can be made to do."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.e2e.third_parties.clients.curl import PROGRAM, run_curl
from tests.e2e.third_parties.conftest import Ways
from tests.support.content import MIB, content, digest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="curl is not on this machine"),
]

_QUIET = ("--disable", "--no-progress-meter", "--max-time", "20")


def test_a_download_that_was_left_is_taken_up_again_where_it_ended(
    ways: Ways, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"".join(content(3 * MIB))[:1_000_001])
    url = f"{ways.gateway}/bytes/{3 * MIB}"
    assert run_curl(*_QUIET, "-C", "-", "-o", str(file), "-w", "%{http_code}", url) == "206"
    assert sha256(file.read_bytes()).hexdigest() == digest(3 * MIB)


@pytest.mark.parametrize("path", ["/echo", "/chunked/300000", "/closing/1.1/300000"])
def test_a_client_of_http_1_0_gets_every_answer_whole(
    ways: Ways, tmp_path: Path, path: str
) -> None:
    direct, through = tmp_path / "direct", tmp_path / "through"
    for base, file in ((ways.direct, direct), (ways.gateway, through)):
        written = run_curl(*_QUIET, "-0", "-o", str(file), "-w", "%{exitcode}", base + path)
        assert written == "0"
    if path == "/echo":
        told = json.loads(through.read_text())
        assert (told["method"], told["target"]) == ("GET", "/echo")
    else:
        # The origin frames in chunks whoever asks; a client of HTTP/1.0 cannot know them.
        assert sha256(through.read_bytes()).hexdigest() == digest(int(path.rpartition("/")[2]))


def test_fifty_downloads_at_once_over_one_run_are_each_their_own(
    ways: Ways, tmp_path: Path
) -> None:
    sizes = [number * 1021 for number in range(50)]
    lines = ["parallel", "parallel-max = 50"]
    for size in sizes:
        lines += [f'url = "{ways.gateway}/bytes/{size}"', f'output = "{tmp_path}/{size}"']
    run_curl(*_QUIET, "--config", "-", stdin="\n".join(lines))
    for size in sizes:
        assert sha256((tmp_path / str(size)).read_bytes()).hexdigest() == digest(size)


def test_a_large_upload_waits_for_the_go_ahead_without_being_told_to(
    ways: Ways, tmp_path: Path
) -> None:
    """Above a megabyte curl asks by itself; here it waits longer than it is given in all."""
    file = tmp_path / "file"
    file.write_bytes(b"".join(content(8 * MIB)))
    written = run_curl(
        *_QUIET,
        "--expect100-timeout",
        "60",
        "-o",
        str(tmp_path / "told"),
        "-w",
        "%{json}",
        "-T",
        str(file),
        f"{ways.gateway}/echo",
    )
    report = json.loads(written)
    told = json.loads((tmp_path / "told").read_text())
    assert (report["http_code"], told["body_sha256"]) == (200, digest(8 * MIB))
    assert ["Expect", "100-continue"] in told["headers"]
