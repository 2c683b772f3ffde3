"""A backend that speaks TLS, in a thread of its own, and shows how it was spoken to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Literal

import trustme

from tests.conformance.doors.wire import PATIENCE_S

Ending = Literal["keep", "farewell", "cut"]
"""What follows an answer: the next request, an end that TLS knows of, or one that it does not."""


@dataclass(slots=True)
class Greeting:
    """How a client introduced itself."""

    name: str | None = None
    """The name it asked for (SNI)."""
    protocol: str | None = None
    """What both agreed to speak (ALPN)."""
    heads: list[bytes] = field(default_factory=list)


class TlsOrigin:
    """A listening socket that answers every request with the same bytes."""

    def __init__(self, certificate: trustme.LeafCert | None, answer: bytes, ending: Ending) -> None:
        """Listen; without a certificate, connections are taken and nothing is ever said."""
        self._answer = answer
        self._ending = ending
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._context.sni_callback = self._note_name
        self._is_mute = certificate is None
        if certificate is not None:
            certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.port: int = self._listener.getsockname()[1]
        self.greetings: list[Greeting] = []
        self.ended = threading.Semaphore(0)
        """Released whenever a connection has ended."""

    def _note_name(
        self, _session: ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> None:
        self.greetings.append(Greeting(name))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                taken.settimeout(PATIENCE_S)
                self._taken.append(taken)
                self._threads.append(threading.Thread(target=self._serve, args=(taken,)))
                self._threads[-1].start()

    def _serve(self, taken: socket.socket) -> None:
        with contextlib.suppress(OSError), taken:
            if self._is_mute:
                while taken.recv(65536):
                    pass
            else:
                with self._context.wrap_socket(taken, server_side=True) as session:
                    self._taken.append(session)
                    self._speak(session)
        self.ended.release()

    def _speak(self, session: ssl.SSLSocket) -> None:
        greeting = self.greetings[-1]
        greeting.protocol = session.selected_alpn_protocol()
        while head := _read_head(session):
            greeting.heads.append(head)
            session.sendall(self._answer)
            if self._ending == "farewell":
                session.unwrap()
            if self._ending != "keep":
                return

    def close(self) -> None:
        """Close everything."""
        # Closing alone does not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for taken in self._taken:
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)


def _read_head(session: ssl.SSLSocket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = session.recv(65536)
        if not more:
            return b""
        head += more
    return head
