"""Bodies that are too large for a worker's memory are compared, and never at a customer's cost."""

from __future__ import annotations

import hashlib
import io
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Figures, Start
from tests.support.figueira import Figueira, pids_of
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
ROUTES = """
version: 1
backends:
  legacy: {{url: {legacy}}}
  candidate: {{url: {candidate}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy, parallel_run: trial}}
parallel_runs:
  trial: {{control: legacy, candidate: candidate, writes: sandbox, budget: {{in_flight: 8}}}}
"""
Body = Callable[[str], Iterator[bytes]]


def picture(*, changed: bool = False) -> bytes:
    """A picture of about 2 MiB; one pixel of the changed one is another."""
    noise = random.Random(7).randbytes(832 * 832 * 3)
    image = Image.frombytes("RGB", (832, 832), noise)
    if changed:
        red, green, blue = image.getpixel((400, 300))  # type: ignore[misc]  # it has three bands
        image.putpixel((400, 300), (255 - red, 255 - green, 255 - blue))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0)
    return file.getvalue()


PICTURE = picture()


class Side:
    """A backend; what was sent to it is in `got`, and each answer is what `answer` makes."""

    def __init__(self, pieces: list[bytes], kind: str = "image/png") -> None:
        self.pieces = pieces
        self.kind = kind
        self.got: list[bytes] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        side = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                side.got.append(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer()

            def _answer(self) -> None:
                is_short = self.path.startswith("/short")
                pieces = [b"short"] if is_short else side.pieces
                self.send_response(200)
                self.send_header("Content-Type", side.kind)
                is_chunked = self.path.startswith("/chunked")
                if is_chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                else:
                    self.send_header("Content-Length", str(sum(map(len, pieces))))
                self.end_headers()
                try:
                    for number, piece in enumerate(pieces):
                        if number == 1:
                            side.may_go_on.wait(20)
                        self.wfile.write(
                            b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
                        )
                    if is_chunked:
                        self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.may_go_on.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def shop(
    start: Start, control: Side, candidate: Side, **how: Any
) -> Iterator[tuple[Figueira, httpx.Client]]:
    """A gateway between them, and a customer."""
    try:
        with (
            start(ROUTES.format(legacy=control.url, candidate=candidate.url), **how) as figueira,
            httpx.Client(base_url=figueira.url, timeout=20, trust_env=False) as customer,
        ):
            yield figueira, customer
    finally:
        control.close()
        candidate.close()


def sheet(figueira: Figueira) -> dict[str, Any]:
    """The run's balance sheet; it sums, whenever one looks."""
    (run,) = figueira.status()["parallel_runs"]
    found: dict[str, Any] = run
    assert sum(found["classes"].values()) + found["pending"] == found["eligible"]
    return found


def settled(figueira: Figueira, eligible: int) -> dict[str, int]:
    """The classes once that many requests are eligible and none is pending."""

    def look() -> dict[str, int] | None:
        found = sheet(figueira)
        is_settled = found["eligible"] >= eligible and not found["pending"]
        return {k: v for k, v in found["classes"].items() if v} if is_settled else None

    return eventually(look, "all trials end")


def is_empty(figueira: Figueira) -> bool:
    """Whether nothing is left of any trial, on the disk or in memory."""
    bodies = figueira.status()["trial_bodies"]
    return not bodies["spooled_bytes"] and not bodies["memory_bytes"]


def peaks_mib(figueira: Figueira) -> list[float]:
    """The most memory that control and each worker have had so far."""
    found = []
    for pid in pids_of(figueira.status()):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        (peak,) = [line for line in lines if line.startswith("VmHWM")]
        found.append(int(peak.split()[1]) / 1024)
    return found


@pytest.mark.parametrize("path", ["/picture", "/chunked"])
@pytest.mark.parametrize(
    ("other", "became"), [(PICTURE, "matched"), (picture(changed=True), "mismatched")]
)
def test_pictures_of_2_mib_are_compared(start: Start, path: str, other: bytes, became: str) -> None:
    """Also where nobody knew beforehand how large they are."""
    with shop(start, Side([PICTURE]), Side([other])) as (figueira, customer):
        for number in range(1, 5):
            assert customer.get(path).content == PICTURE
            assert settled(figueira, number) == {became: number}
        eventually(lambda: is_empty(figueira), "nothing is kept")
        if became == "mismatched":
            found = eventually(
                lambda: figueira.admin.get("/api/runs/trial?top=3").json().get("differences"),
                "the ledger has it",
            )
            assert [each["place"] for each in found] == ["image:pixels"]
        assert figueira.total("figueira_trials_spooled_bytes") == 0
        assert figueira.total("figueira_trials_spool_limit_bytes") == 512 * MIB


@pytest.mark.parametrize("path", ["/file", "/chunked"])
def test_what_is_larger_than_8_mib_is_not(start: Start, path: str) -> None:
    pieces = [random.Random(n).randbytes(MIB) for n in range(9)]
    with shop(start, Side(pieces), Side(pieces)) as (figueira, customer):
        assert customer.get(path).content == b"".join(pieces)
        assert settled(figueira, 1) == {"too_large": 1}
        eventually(lambda: is_empty(figueira), "nothing is kept")


def test_an_upload_comes_to_the_candidate_as_it_came_to_the_control(start: Start) -> None:
    control, candidate = Side([b"ok"], "text/plain"), Side([b"ok"], "text/plain")
    whole = random.Random(1).randbytes(3 * MIB)
    with shop(start, control, candidate) as (figueira, customer):
        for number in range(1, 4):
            assert customer.post("/upload", content=whole).content == b"ok"
            assert settled(figueira, number) == {"matched": number}
        assert candidate.got == control.got == [whole] * 3
        assert customer.post("/upload", content=whole * 3).content == b"ok"
        assert settled(figueira, 4) == {"matched": 3, "too_large": 1}
        eventually(lambda: is_empty(figueira), "nothing is kept")


@pytest.mark.parametrize("path", ["/file", "/chunked"])
def test_a_download_of_100_mib_costs_no_memory(start: Start, path: str, figures: Figures) -> None:
    """At 100 % of requests, of known length or not: the customer's bytes are the control's."""
    pieces = [random.Random(n).randbytes(256 * 1024) for n in range(4)] * 100
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    with shop(start, Side(pieces), Side(pieces)) as (figueira, customer):
        before = peaks_mib(figueira)
        for _ in range(3):
            found = hashlib.sha256()
            with customer.stream("GET", path) as answer:
                for piece in answer.iter_raw():
                    found.update(piece)
            assert found.hexdigest() == digest
        assert settled(figueira, 3) == {"too_large": 3}
        control, *workers = (
            after - earlier for after, earlier in zip(peaks_mib(figueira), before, strict=True)
        )
        figures[f"MiB more of control, 100 MiB from {path}"] = control
        figures[f"MiB more of a worker, 100 MiB from {path}"] = max(workers)
        assert control < 48
        assert max(workers) < 32
        eventually(lambda: is_empty(figueira), "nothing is kept")


def test_many_pictures_at_a_time_stay_within_bounds(start: Start, figures: Figures) -> None:
    """Whatever there is no room for is shed and counted."""
    with shop(start, Side([PICTURE]), Side([picture(changed=True)])) as (figueira, customer):

        def ask() -> None:
            with httpx.Client(base_url=figueira.url, timeout=30, trust_env=False) as other:
                for _ in range(8):
                    assert other.get("/picture").content == PICTURE

        before = peaks_mib(figueira)
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        slowest_s = 0.0
        while any(thread.is_alive() for thread in threads):
            began_s = time.monotonic()
            assert figueira.admin.get("/livez").status_code == 200
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        figures["slowest /livez meanwhile, ms"] = 1000 * slowest_s
        classes = settled(figueira, 96)
        assert sum(classes.values()) == 96
        assert set(classes) <= {"mismatched", "shed"}
        figures["of 96 pictures at 12 a time, shed"] = classes.get("shed", 0)
        control, *workers = (
            after - earlier for after, earlier in zip(peaks_mib(figueira), before, strict=True)
        )
        figures["MiB more of control, 96 pictures of 2 MiB"] = control
        figures["MiB more of a worker, 96 pictures of 2 MiB"] = max(workers)
        assert control < 350
        assert max(workers) < 64
        assert customer.get("/short").content == b"short"
        eventually(lambda: is_empty(figueira), "nothing is kept")


def test_a_full_disk_is_said_once_and_hurts_nobody(start: Start) -> None:
    """No file of the gateway may be larger than 1 MiB."""
    limit = "import os, resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
    prefix = [sys.executable, "-c", limit + "os.execvp(sys.argv[1], sys.argv[1:])"]
    with shop(start, Side([PICTURE]), Side([PICTURE]), prefix=prefix) as (figueira, customer):
        for number in range(1, 5):
            assert customer.get("/picture").content == PICTURE
            assert settled(figueira, number) == {"shed": number}
        assert customer.get("/short").content == b"short"
        assert settled(figueira, 5) == {"shed": 4, "matched": 1}
        assert len(figueira.events("spool_failed")) == 1
        assert figueira.samples()['figueira_trials_spool_refused_total{why="disk"}'] == 4
        eventually(lambda: is_empty(figueira), "nothing is kept")


def test_a_folder_that_is_not_there_hurts_nobody(start: Start, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    with shop(start, Side([PICTURE]), Side([PICTURE]), TMPDIR=gone) as (figueira, customer):
        assert customer.get("/picture").content == PICTURE
        assert settled(figueira, 1) == {"shed": 1}
        (line,) = figueira.events("spool_failed")
        assert gone in line


def test_control_is_killed_while_a_picture_passes(start: Start) -> None:
    """The customer notices nothing, the trial is lost, and the next one is compared."""
    half = len(PICTURE) // 2
    control, candidate = Side([PICTURE[:half], PICTURE[half:]]), Side([PICTURE])
    with shop(start, control, candidate) as (figueira, customer):
        control.may_go_on.clear()
        with customer.stream("GET", "/picture") as answer:
            pieces = answer.iter_raw()
            found = next(pieces)
            eventually(
                lambda: figueira.status()["trial_bodies"]["spooled_bytes"], "a part has come"
            )
            before = figueira.status()["control"]["pid"]
            figueira.kill(before)
            figueira.wait_until_whole(without=[before])
            control.may_go_on.set()
            found += b"".join(pieces)
        assert found == PICTURE
        assert settled(figueira, 1) == {"lost": 1}
        assert customer.get("/picture").content == PICTURE
        assert settled(figueira, 2) == {"lost": 1, "matched": 1}
        eventually(lambda: is_empty(figueira), "nothing is kept")


def test_a_customer_leaves_while_a_picture_passes(start: Start) -> None:
    """What had gone to control is forgotten there."""
    half = len(PICTURE) // 2
    control, candidate = Side([PICTURE[:half], PICTURE[half:]]), Side([PICTURE])
    with shop(start, control, candidate) as (figueira, customer):
        control.may_go_on.clear()
        with customer.stream("GET", "/picture") as answer:
            next(answer.iter_raw())
            eventually(
                lambda: figueira.status()["trial_bodies"]["spooled_bytes"], "a part has come"
            )
        assert settled(figueira, 1) == {"client_gone": 1}
        eventually(lambda: is_empty(figueira), "it is forgotten")


def test_a_worker_is_killed_while_a_picture_passes(start: Start) -> None:
    """Its request was never eligible: nobody was answered. What it had sent is forgotten."""
    half = len(PICTURE) // 2
    control, candidate = Side([PICTURE[:half], PICTURE[half:]]), Side([PICTURE])
    with shop(start, control, candidate) as (figueira, customer):
        control.may_go_on.clear()
        with customer.stream("GET", "/picture") as answer:
            pieces = answer.iter_raw()
            next(pieces)
            eventually(
                lambda: figueira.status()["trial_bodies"]["spooled_bytes"], "a part has come"
            )
            before = [worker["pid"] for worker in figueira.status()["workers"]]
            for pid in before:
                figueira.kill(pid)
            with pytest.raises(httpx.RemoteProtocolError):
                b"".join(pieces)
        figueira.wait_until_whole(without=before)
        eventually(lambda: is_empty(figueira), "what it had sent is forgotten")
        control.may_go_on.set()
        assert customer.get("/picture").content == PICTURE
        assert settled(figueira, 1) == {"matched": 1}


def test_a_control_that_is_down_fails_its_own_trials_alone(start: Start) -> None:
    """It took no request, so that there is none to repeat."""
    control = Side([b"ok"], "text/plain")
    with shop(start, control, Side([b"ok"], "text/plain")) as (figueira, customer):
        control.close()
        assert customer.get("/short").status_code == 502
        assert customer.get("/short").status_code == 502
        assert settled(figueira, 2) == {"control_failed": 2}
