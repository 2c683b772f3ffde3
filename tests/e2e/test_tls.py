"""Customers over TLS: what they are shown, renewal, bad pairs, the stop."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.authority import Authority, names_in
from tests.support.figueira import Figueira, run, settings_of
from tests.support.held_origin import ANSWER, ROUTES, HeldOrigin, held_origin
from tests.support.polling import eventually
from tests.support.routes_file import RoutesFile

pytestmark = pytest.mark.e2e

GET = b"GET /products HTTP/1.1\r\nHost: shop.test\r\n\r\n"


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates, outside the gateway's own folder."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def origin() -> Iterator[HeldOrigin]:
    """A backend that answers when it is told to."""
    with held_origin() as origin:
        yield origin


def _connect(figueira: Figueira, trust: ssl.SSLContext) -> ssl.SSLSocket:
    """A customer who has shaken hands."""
    connected = socket.create_connection(("127.0.0.1", figueira.port), timeout=20)
    return trust.wrap_socket(connected, server_hostname="127.0.0.1", suppress_ragged_eofs=False)


def _status(customer: ssl.SSLSocket) -> int:
    """Ask something; the answer's status. The answer is read to its end."""
    customer.sendall(GET)
    answer = b""
    while b"]" not in answer:
        answer += customer.recv(65536)
    return int(answer.split(b" ", 2)[1])


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionError:
        return True
    return False


def _is_cut(customer: ssl.SSLSocket) -> bool:
    """Wait for the end; whether it is a reset. Below TLS, whose library may call it an end."""
    with socket.socket(fileno=customer.detach()) as below:
        below.settimeout(20)
        try:
            while below.recv(4096):
                pass
        except ConnectionResetError:
            return True
        return False


def test_a_customer_trades_over_tls(start: Start, authority: Authority) -> None:
    """HTTP/1.1 alone is offered; the admin port stays plain."""
    pair = authority.issue("shop")
    trust = authority.trusting()
    with start(**pair.settings) as figueira:
        assert figueira.url == f"https://127.0.0.1:{figueira.port}"
        with httpx.Client(base_url=figueira.url, verify=trust, trust_env=False) as shop:
            made = shop.post("/products", json={"name": "barco", "price": 12.5})
            assert made.status_code == 200
            assert made.json() in shop.get("/products").json()
        trust.set_alpn_protocols(["h2", "http/1.1"])
        with _connect(figueira, trust) as customer:
            assert customer.selected_alpn_protocol() == "http/1.1"
            assert customer.version() == "TLSv1.3"
        eventually(lambda: _readiness(figueira, "[+]certificate ok"), "the good pair's word")
        assert figueira.stop() == 0


def test_a_hang_up_takes_a_renewed_certificate_in_and_drops_nobody(
    start: Start, authority: Authority
) -> None:
    """New connections get it, on every worker and on one that comes later; open ones go on."""
    pair, trust = authority.issue("old"), authority.trusting()

    def is_everywhere(name: str) -> bool:
        shown = [_shown(figueira, trust) for _ in range(6)]
        return shown == [{name}] * 6

    with start(**pair.settings) as figueira, closing(_connect(figueira, trust)) as before:
        assert _status(before) == 200
        pair.take_over(authority.issue("new"))
        assert is_everywhere("old.test")
        figueira.process.send(signal.SIGHUP)
        eventually(lambda: is_everywhere("new.test"), "the new certificate")
        assert len(figueira.events("certificate_accepted")) == 1
        assert _status(before) == 200
        gone = [worker["pid"] for worker in figueira.status()["workers"]]
        for pid in gone:
            figueira.kill(pid)
        assert is_everywhere("new.test")
        figueira.wait_until_whole(without=gone)


def _shown(figueira: Figueira, trust: ssl.SSLContext) -> set[str]:
    with _connect(figueira, trust) as customer:
        return names_in(customer)


def test_a_bad_pair_at_a_hang_up_changes_nothing_and_is_told(
    start: Start, authority: Authority
) -> None:
    """The last good one serves on, also on workers and in a control that come later."""
    pair, trust = authority.issue("good"), authority.trusting()
    good_key = pair.key.read_bytes()
    with start(**pair.settings) as figueira:
        pair.key.write_bytes(authority.issue("other").key.read_bytes())
        figueira.process.send(signal.SIGHUP)
        [line] = eventually(lambda: figueira.events("certificate_refused"), "the refusal")
        assert f"TLS key {pair.key}: does not belong to the first certificate in" in line
        assert "-----" not in "".join(figueira.process.stderr)
        gone = [figueira.status()["control"]["pid"]]
        gone += [worker["pid"] for worker in figueira.status()["workers"]]
        for pid in gone:
            figueira.kill(pid)
        assert _shown(figueira, trust) == {"good.test"}
        figueira.wait_until_whole(without=gone)
        eventually(lambda: _readiness(figueira, "[!]certificate failed"), "the bad pair's word")
        assert figueira.ready() == 200
        pair.key.write_bytes(good_key)
        figueira.process.send(signal.SIGHUP)
        eventually(lambda: figueira.events("certificate_accepted"), "the good pair")
        eventually(lambda: _readiness(figueira, "[+]certificate ok"), "the good pair's word")


def _readiness(figueira: Figueira, word: str) -> bool:
    """Whether ``/readyz`` says so: control may be told a moment after the log is."""
    return word in figueira.admin.get("/readyz?verbose").text


@pytest.mark.parametrize("how", ["missing", "of another"])
def test_a_pair_that_cannot_be_used_keeps_it_from_starting(
    authority: Authority, tmp_path: Path, how: str
) -> None:
    """One line, by the flags as well as by the variables."""
    RoutesFile(tmp_path / "routes.yaml")
    pair, other = authority.issue("good"), authority.issue("other")
    why = f"does not belong to the first certificate in {pair.certificate}"
    remedy = "give the key that it was issued for"
    if how == "missing":
        other.key.unlink()
        why, remedy = "No such file or directory", "give a PEM file that this user can read"
    arguments = ("--tls-cert", str(pair.certificate), "--tls-key", str(other.key))
    settings = settings_of(tmp_path, tmp_path / "routes.yaml")
    ended = run("serve", *arguments, folder=tmp_path, **settings)
    said = f"figueira: error: TLS key {other.key}: {why}; {remedy}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_promise_3_a_stop_lets_the_answer_in_flight_end_over_tls(
    start: Start, authority: Authority, origin: HeldOrigin
) -> None:
    """The whole answer and a proper end; an idle customer is told the end; nobody else comes in."""
    pair, trust = authority.issue("shop"), authority.trusting()
    with (
        ThreadPoolExecutor() as threads,
        start(ROUTES.format(held=origin.url), **pair.settings) as figueira,
        closing(_connect(figueira, trust)) as idle,
    ):
        assert _status(idle) == 200
        answer = threads.submit(
            httpx.get, f"{figueira.url}/held", verify=trust, timeout=30, trust_env=False
        )
        origin.wait_for_request()
        figueira.process.send(signal.SIGTERM)
        assert idle.recv(1) == b"", "a close_notify, not just an end"
        eventually(lambda: _is_refused(figueira.port), "a refused connection")
        origin.let_go()
        whole = answer.result()
        assert (whole.status_code, whole.content) == (200, ANSWER)
        assert whole.headers["connection"] == "close"
        assert figueira.process.wait() == 0


def test_promise_3_an_answer_that_is_cut_over_tls_looks_cut(
    start: Start, authority: Authority, origin: HeldOrigin
) -> None:
    """No close_notify, by which it would look complete: a reset, as without TLS."""
    pair, trust = authority.issue("shop"), authority.trusting()
    settings = pair.settings | {"FIGUEIRA_DRAIN_S": "0.3"}
    with (
        start(ROUTES.format(held=origin.url), **settings) as figueira,
        closing(_connect(figueira, trust)) as customer,
    ):
        customer.sendall(GET.replace(b"/products", b"/held"))
        origin.wait_for_request()
        figueira.process.send(signal.SIGTERM)
        assert _is_cut(customer)
        assert figueira.process.wait() == 0
