"""The page about pictures says what was measured, and what was not reached."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.blob_load import Ask, ask_all, slow_customers
from bench.blob_page import Figures, page
from bench.cases import MIB
from bench.machine import Machine
from bench.processes import StartError

_MACHINE = Machine(
    date="2026-11-24", cpu="a CPU", cores=2, memory_gib=24, kernel="Linux", python="3.11", load=0.0
)


def _figures() -> Figures:
    figures = Figures(memory_bytes={"ours": 50 * MIB, "theirs": 20 * MIB})
    for case, ours in (("200, 1 MiB", 900.0), ("304", 2500.0)):
        figures.add(case, "ours", ours)
        figures.add(case, "theirs", 1000.0)
    figures.made_ms["AVIF"] = 52.0
    figures.again_ms["AVIF"] = 1.5
    figures.making_bytes = 300 * MIB
    figures.together_ms = {1: 57.0, 40: 76.0}
    return figures


def test_every_figure_stands_on_the_page_beside_its_target() -> None:
    text = page(_figures(), _MACHINE, 7)
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:]]
        for line in text.splitlines()
        if line.startswith("| ") and (cells := line.strip("|").split("|"))
    }
    assert rows["200, 1 MiB"] == ["900", "1,000", "0.90 (≤ 2.00, met)"]
    assert rows["304"] == ["2,500", "1,000", "2.50 (≤ 2.00, **not met**)"]
    assert rows["200 x 4 MB, not read"] == ["50.0 (≤ 80.0, met)", "20.0"]
    assert rows["AVIF"] == ["52.0", "1.50"]
    assert "40 customers who ask" in text
    assert "  300 (≤ 400, met) MiB above idle." in text


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """A server that answers every request with the same bytes."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(4096):
                connection.sendall(answer)

    def accept() -> None:
        try:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,)).start()
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_answers_are_read_to_their_ends() -> None:
    with _answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as port:
        ask = Ask(port=port, path="/", status=200)
        ask_all(ask, 20, 2)
        with slow_customers([ask] * 3):
            pass


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"],
)
def test_a_wrong_answer_ends_the_measurement(answer: bytes) -> None:
    with (
        _answering(answer) as port,
        pytest.raises(StartError, match="not the expected answer"),
    ):
        ask_all(Ask(port=port, path="/", status=200), 1, 1)
