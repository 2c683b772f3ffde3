"""``python -m tools.up``."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from pathlib import Path

from tools.up.banner import banner
from tools.up.errors import UpError
from tools.up.folder import take_folder
from tools.up.parts import HOST, Ports, parts, read_ports
from tools.up.run import Run
from tools.up.screen import Screen, wants_colour


def main() -> int:
    """Run everything until Ctrl-C; return the exit code."""
    try:
        ports = read_ports(os.environ)
        take_folder(Path("var"))
        check_free(ports)
    except UpError as error:
        sys.stderr.write(f"up: {error}\n")
        return 1
    # Another one each time is as good: both who know it are started here.
    secret = os.environ.get("IMAGE_GATEWAY_SECRET") or secrets.token_hex(32)
    all_parts = parts(ports, secret)
    is_coloured = wants_colour(os.environ, is_terminal=sys.stdout.isatty())
    screen = Screen([part.name for part in all_parts], is_coloured=is_coloured)
    config = os.environ.get("FIGUEIRA_CONFIG") or "routes.yaml"
    screen.say(f"starting {', '.join(part.name for part in all_parts)}")
    return Run(all_parts, screen, banner(ports, config, command())).run(os.environ)


def command() -> str:
    """The path of `figueira` beside this interpreter, as short as it can be from here."""
    path = Path(sys.executable).with_name("figueira")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def check_free(ports: Ports) -> None:
    """Try every port before anything is started.

    Raises:
        UpError: One cannot be listened on.
    """
    with contextlib.ExitStack() as listeners:
        for variable, port in ports.named():
            try:
                listeners.enter_context(socket.create_server((HOST, port)))
            except OSError as error:
                reason = os.strerror(error.errno).lower() if error.errno else str(error)
                raise UpError(
                    f"port {port}: {reason}; stop what uses it, or choose another port with "
                    f"{variable}"
                ) from error


if __name__ == "__main__":
    sys.exit(main())
