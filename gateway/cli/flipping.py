"""The verbs that flip and go back: `reload`, `set`, `undo`, `history`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

verbs = typer.Typer(pretty_exceptions_enable=False)

_Config = Annotated[
    Path | None,
    typer.Option(help="The file; else FIGUEIRA_CONFIG, ./routes.yaml, or the gateway's own."),
]
_AdminPort = Annotated[
    str | None,
    typer.Option(
        "--admin", metavar="URL", help="http://HOST:PORT of the admin port, or none: no gateway."
    ),
]
_RunningPort = Annotated[
    str | None,
    typer.Option("--admin", metavar="URL", help="http://HOST:PORT of the admin port."),
]
_Force = Annotated[
    bool, typer.Option("--force", help="Whatever it moves: safety.max_moved lets it pass.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and stop.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@verbs.command()
def reload(*, admin: _RunningPort = None, force: _Force = False, as_json: _Json = False) -> None:
    """Have the running gateway look at its routes.yaml now; return when all workers follow it.

    It takes in changes by itself as well; this waits for them, and says what serves. The TLS
    certificate and the access log are looked at again by SIGHUP, not by this.

    Exit codes: 0 all workers serve by the file; 1 the file is refused, and the last good revision
    serves; 2 wrong use; 3 no gateway is running, or a worker hangs.

    Example: figueira reload
    """
    from gateway.cli.reload import reload as run  # noqa: PLC0415 - heavy: other verbs start faster

    with _wrong_use():
        raise typer.Exit(run(admin=admin, force=force, as_json=as_json))


@verbs.command("set")
def set_(
    route: Annotated[str, typer.Argument(help="The route's name.")],
    weights: Annotated[
        list[str], typer.Argument(metavar="BACKEND=PERCENT", help="New weights, or rest.")
    ],
    *,
    config: _Config = None,
    admin: _AdminPort = None,
    force: _Force = False,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Change weights of a route in routes.yaml, and no other character; return when they serve.

    Of two backends, naming one is enough. Comments, order and spacing of the file stay. What the
    gateway refuses is taken back.

    Exit codes: 0 all workers serve by it; 1 nothing was changed; 2 wrong use; 3 the file is
    changed, but no gateway is running, a worker hangs, or somebody has changed the file again.

    Example: figueira set images image_service=25
    """
    from gateway.cli.changing import Options  # noqa: PLC0415 - as above
    from gateway.cli.set_weights import read_asked  # noqa: PLC0415 - as above
    from gateway.cli.set_weights import set_ as run  # noqa: PLC0415 - as above

    with _wrong_use():
        asked = read_asked(weights)
        options = Options(config=config, admin=admin, dry_run=dry_run, force=force)
        code = run(route, asked, options, written=weights, as_json=as_json)
    raise typer.Exit(code)


@verbs.command()
def undo(
    *,
    to: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The revision to go back to.")
    ] = None,
    config: _Config = None,
    admin: _AdminPort = None,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Write an earlier routes.yaml back, comments and all; return when it serves.

    Without --to: a file that is refused becomes again what serves; else the last change is undone,
    and another undo goes one further back.

    Exit codes: as of figueira set.

    Example: figueira undo --to 12
    """
    from gateway.cli.changing import Options  # noqa: PLC0415 - as above
    from gateway.cli.undo import undo as run  # noqa: PLC0415 - as above

    with _wrong_use():
        options = Options(config=config, admin=admin, dry_run=dry_run)
        raise typer.Exit(run(to, options, as_json=as_json))


@verbs.command()
def history(
    number: Annotated[
        int | None, typer.Argument(min=1, metavar="N", help="Show this revision.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Revisions to list.")] = 20,
    as_text: Annotated[
        bool, typer.Option("--text", help="Write revision N's text, and nothing else.")
    ] = False,
    admin: _AdminPort = None,
    as_json: _Json = False,
) -> None:
    """List the revisions of routes.yaml: when, who, and what changed; or show one.

    The author is the operating system's user of a figueira verb; a plain edit has none. It asks the
    running gateway, else its database.

    Exit codes: 0; 1 no such revision, or the history cannot be read; 2 wrong use.

    Example: figueira history 12 --text
    """
    from gateway.cli.history import history as run  # noqa: PLC0415 - as above

    if as_text and number is None:
        raise typer.BadParameter("--text needs the number of a revision")
    with _wrong_use():
        raise typer.Exit(run(number, limit=limit, admin=admin, as_text=as_text, as_json=as_json))


@contextmanager
def _wrong_use() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
