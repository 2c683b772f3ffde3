"""`python -m bench blobs`: what a picture costs the image service, beside Starlette's FileResponse.

Writes docs/blobs-performance.md.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import blob_page
from bench.blob_load import Ask, ask_all, slow_customers
from bench.blob_page import Figures
from bench.cases import KIB, MIB
from bench.cpu import cpu_of_tree_s, forget_peak, peak_bytes, resident_bytes
from bench.machine import this_machine
from bench.peers.figueira import PYTHON
from bench.processes import HOST, PATIENCE_S, StartError, fetch, free_port, running

_ROOT = Path(__file__).resolve().parent.parent
_PICTURE_BYTES = MIB
_LONG_PICTURE_BYTES = 4_000_000
_CONNECTIONS = 4
_ROUNDS = 7
_SETTLE_S = 0.2
_SLOW_CUSTOMERS = 200
_SAME_AT_ONCE = 40
_LARGEST = (3840, 2160)
_LARGE_AT_ONCE = 12
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    rounds: int = _ROUNDS
    long_requests: int = 200
    """Of 1 MiB, in a round."""
    short_requests: int = 2000


QUICK = Extent(rounds=1, long_requests=40, short_requests=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    pid: int
    port: int


@dataclass(slots=True, kw_only=True)
class _Stage:
    """The two servers, and the pictures that both have."""

    blobs: Path
    """Our store."""
    ours: _Server
    theirs: _Server
    picture: str
    """sha256 of 1 MiB."""
    long_picture: str
    small: str
    """sha256 of 1 KiB: FileResponse knows no 304, this is the least that it sends."""
    figures: Figures = field(default_factory=Figures)


def run(docs: Path, extent: Extent) -> int:
    """Measure, print the page and write it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-blobs-") as folder,
        _staged(Path(folder)) as stage,
    ):
        _measure_reads(stage, extent)
        _measure_memory(stage)
        _measure_derivatives(stage)
        _measure_making_memory(stage)
    text = blob_page.page(stage.figures, this_machine(), extent.rounds)
    sys.stdout.write(text)
    if extent != QUICK:
        (docs / blob_page.NAME).write_text(text)
        sys.stdout.write(f"\nwritten: {docs / blob_page.NAME}\n")
    return 0


def _measure_reads(stage: _Stage, extent: Extent) -> None:
    blob = f"/images/blobs/{stage.picture}"
    etag = {"If-None-Match": f'"{stage.picture}"'}
    part = {"Range": "bytes=65536-131071"}
    ours, theirs = stage.ours.port, stage.theirs.port
    long, short = extent.long_requests, extent.short_requests
    cases = {
        "200, 1 MiB": (
            (stage.ours, Ask(port=ours, path=blob, status=200), long),
            (stage.theirs, Ask(port=theirs, path=f"/{stage.picture}", status=200), long),
        ),
        "206, 64 KiB of it": (
            (stage.ours, Ask(port=ours, path=blob, status=206, headers=part), short),
            (
                stage.theirs,
                Ask(port=theirs, path=f"/{stage.picture}", status=206, headers=part),
                short,
            ),
        ),
        "304 (FileResponse: 200, 1 KiB)": (
            (stage.ours, Ask(port=ours, path=blob, status=304, headers=etag), short),
            (stage.theirs, Ask(port=theirs, path=f"/{stage.small}", status=200), short),
        ),
    }
    for _ in range(extent.rounds):
        for name, (first, second) in cases.items():
            for who, (server, ask, requests) in (("ours", first), ("theirs", second)):
                stage.figures.add(name, who, _cost_us(server, ask, requests))


def _cost_us(server: _Server, ask: Ask, requests: int) -> float:
    ask_all(ask, max(requests // 10, _CONNECTIONS), _CONNECTIONS)
    time.sleep(_SETTLE_S)
    before_s = cpu_of_tree_s(server.pid)
    ask_all(ask, requests, _CONNECTIONS)
    time.sleep(_SETTLE_S)
    return (cpu_of_tree_s(server.pid) - before_s) / requests * 1e6


def _measure_memory(stage: _Stage) -> None:
    for who, server, path in (
        ("ours", stage.ours, f"/images/blobs/{stage.long_picture}"),
        ("theirs", stage.theirs, f"/{stage.long_picture}"),
    ):
        time.sleep(_SETTLE_S)
        forget_peak(server.pid)
        idle = resident_bytes(server.pid)
        ask = Ask(port=server.port, path=path, status=200)
        with slow_customers([ask] * _SLOW_CUSTOMERS):
            time.sleep(_SETTLE_S)
        stage.figures.memory_bytes[who] = max(peak_bytes(server.pid) - idle, 0)


def _measure_making_memory(stage: _Stage) -> None:
    """Ask for as many derivatives of the largest pictures at once as make the others wait long."""
    asks = []
    for shade in range(_LARGE_AT_ONCE):
        sha256 = _keep(stage.blobs, _png(*_LARGEST, shade))
        path = f"/images/blobs/{sha256}.avif"
        asks.append(Ask(port=stage.ours.port, path=path, status=200))
    time.sleep(_SETTLE_S)
    forget_peak(stage.ours.pid)
    idle = resident_bytes(stage.ours.pid)
    with slow_customers(asks):
        pass
    stage.figures.making_bytes = max(peak_bytes(stage.ours.pid) - idle, 0)


def _png(width: int, height: int, shade: int) -> bytes:
    """A picture of one colour, without a library for pictures."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sums = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sums

    row = b"\0" + bytes([shade, 128, 200]) * width
    return (
        _SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row * height, 1))
        + chunk(b"IEND", b"")
    )


def _measure_derivatives(stage: _Stage) -> None:
    source = _ordered(stage.ours.port)
    wanted = {
        "AVIF, 256 wide": ".avif?w=256",
        "WebP, 256 wide": ".webp?w=256",
        "JPEG, 256 wide": ".jpg?w=256",
        "PNG, 256 wide": ".png?w=256",
        "AVIF, as large as it is": ".avif",
        "WebP, as large as it is": ".webp",
    }
    for name, suffix in wanted.items():
        ask = Ask(port=stage.ours.port, path=f"/images/blobs/{source}{suffix}", status=200)
        stage.figures.made_ms[name] = _spent_ms(stage.ours, ask, customers=1)
        stage.figures.again_ms[name] = _spent_ms(stage.ours, ask, customers=1)
    for customers in (1, _SAME_AT_ONCE):
        suffix = f".avif?h={512 if customers == 1 else 1024}&w=512"
        ask = Ask(port=stage.ours.port, path=f"/images/blobs/{source}{suffix}", status=200)
        stage.figures.together_ms[customers] = _spent_ms(stage.ours, ask, customers=customers)


def _spent_ms(server: _Server, ask: Ask, *, customers: int) -> float:
    """CPU for one answer to each of so many customers, all at once."""
    time.sleep(_SETTLE_S)
    before_s = cpu_of_tree_s(server.pid)
    ask_all(ask, customers, customers)
    return (cpu_of_tree_s(server.pid) - before_s) * 1000


def _ordered(port: int) -> str:
    """Order a large picture; return the sha256 of what comes of it."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)) as connection:
        body = json.dumps({"prompt": "praia com montanhas ao fundo", "size": "1024x1024"})
        connection.request("POST", "/images", body, {"Content-Type": "application/json"})
        image = json.loads(connection.getresponse().read())
        connection.request("GET", image["url"])
        answer = connection.getresponse()
        answer.read()
        return (answer.getheader("ETag") or "").strip('"')


@contextmanager
def _staged(folder: Path) -> Iterator[_Stage]:
    blobs, files = folder / "blobs", folder / "files"
    files.mkdir()
    sizes = (_PICTURE_BYTES, _LONG_PICTURE_BYTES, KIB)
    picture, long_picture, small = (_put(blobs, files, size) for size in sizes)
    settings = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": str(blobs),
        "IMAGE_PROVIDER": "procedural",
    }
    service, server = free_port(), free_port()
    ours = [str(PYTHON), "-m", "image_service", "--port", str(service)]
    theirs = [str(PYTHON), "-m", "bench.file_server", str(files), str(server)]
    with (
        _serving(ours, folder / "ours", settings, service, "/livez") as mine,
        _serving(theirs, folder / "theirs", {}, server, f"/{small}") as other,
    ):
        yield _Stage(
            blobs=blobs,
            ours=mine,
            theirs=other,
            picture=picture,
            long_picture=long_picture,
            small=small,
        )


def _put(blobs: Path, files: Path, size: int) -> str:
    """Give both servers the same random bytes behind a PNG's signature."""
    content = _SIGNATURE + os.urandom(size - len(_SIGNATURE))
    sha256 = _keep(blobs, content)
    (files / sha256).write_bytes(content)
    return sha256


def _keep(blobs: Path, content: bytes) -> str:
    """Put a blob where the service looks for it."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = blobs / "sha256" / sha256[:2] / sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return sha256


@contextmanager
def _serving(
    command: list[str], folder: Path, settings: Mapping[str, str], port: int, path: str
) -> Iterator[_Server]:
    folder.mkdir()
    with running(command, folder, {**settings, "PYTHONPATH": str(_ROOT)}) as process:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and process.poll() is None:
            try:
                fetch(port, path)
            except OSError:
                time.sleep(_SETTLE_S)
            else:
                yield _Server(pid=process.pid, port=port)
                return
        said = (folder / "output.log").read_text(errors="replace").strip()[-300:]
        raise StartError(f"{command[2]} did not serve: {said}")
