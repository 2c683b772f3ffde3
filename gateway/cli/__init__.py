"""The command `figueira`: data to standard output, talk to standard error.

Exit codes: 0 fine, 1 problems found or the work failed, 2 wrong use, 3 the file is changed but its
effect is not certain.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import judging
from gateway.cli.flipping import verbs
from gateway.cli.tidy import Verbs
from gateway.settings import MAX_PORT, MAX_WORKERS, Settings

_FILE_DEFAULT = "FIGUEIRA_CONFIG, or routes.yaml"

app = typer.Typer(
    name="figueira",
    cls=Verbs,
    help="A strangler-fig gateway: replace a monolith route by route, percent by percent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - a third of what a start takes

        typer.echo(f"figueira {version('figueira')}")
        raise typer.Exit


def _whole(least: int, most: int) -> Callable[[int | None], int | None]:
    """Checks a number that was given; typer's own words for one out of range tell no range."""

    def check(number: int | None) -> int | None:
        if number is not None and not least <= number <= most:
            raise typer.BadParameter(f"{number} is not a whole number from {least} to {most}")
        return number

    return check


def _config() -> Path:
    """The file that a gateway started here would run by."""
    return Path(os.environ.get("FIGUEIRA_CONFIG") or _DEFAULTS.config)


app.add_typer(verbs)
app.add_typer(judging.verbs)
_PORT, _WORKERS = _whole(0, MAX_PORT), _whole(1, MAX_WORKERS)
_DEFAULTS = Settings()


def _option(field: str, told: str, check: Callable[[int | None], int | None] | None = None) -> Any:
    """An option of `serve`, with what holds where neither it nor its variable is given."""
    value = getattr(_DEFAULTS, field)
    default = f"{value:g}" if isinstance(value, float) else str(value)
    return typer.Option(help=told, show_default=default, callback=check)


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Replace a monolith route by route, percent by percent."""


@app.command()
def serve(  # noqa: PLR0913 - an argument for each option
    *,
    config: Annotated[Path | None, _option("config", "The file to run by, watched.")] = None,
    host: Annotated[str | None, _option("host", "Customers' address.")] = None,
    port: Annotated[int | None, _option("port", "Customers' port; 0: a free one.", _PORT)] = None,
    admin_host: Annotated[str | None, _option("admin_host", "Admin address.")] = None,
    admin_port: Annotated[
        int | None, _option("admin_port", "Admin port; 0: a free one.", _PORT)
    ] = None,
    workers: Annotated[
        int | None, _option("workers", "Processes that serve customers, 1 to 64.", _WORKERS)
    ] = None,
    access_log: Annotated[str | None, _option("access_log", "'-', 'off' or a file.")] = None,
    drain_delay_s: Annotated[
        float | None,
        _option("drain_delay_s", "Seconds for which customers are still taken after SIGTERM."),
    ] = None,
    drain_s: Annotated[
        float | None, _option("drain_s", "Seconds that requests may then take to end.")
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume", help="If routes.yaml cannot be used, start by the last accepted revision."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Customers' TLS: a PEM chain, its own certificate first.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key, in PEM.")] = None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    SIGHUP looks at routes.yaml again, which is taken in without it when it changes, and at the TLS
    certificate, and opens the access log anew. Every option has an environment variable, which
    stands where it is not given: FIGUEIRA_PORT for --port, and so on.

    Example: figueira serve --config routes.yaml --port 8000 --workers 2
    """
    from gateway.cli.serve import serve as run  # noqa: PLC0415 - heavy: other verbs start faster

    flags = {
        "config": config,
        "host": host,
        "port": port,
        "admin_host": admin_host,
        "admin_port": admin_port,
        "workers": workers,
        "access_log": access_log,
        "drain_delay_s": drain_delay_s,
        "drain_s": drain_s,
        "resume": resume,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    raise typer.Exit(run(flags))


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="The file to look at.", show_default=_FILE_DEFAULT)
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Problems as JSON.")] = False,
) -> None:
    """Validate a routes.yaml: every problem at once, as file:line:column.

    Example: figueira check routes.yaml
    """
    from gateway.cli.check import check as run  # noqa: PLC0415 - as above

    raise typer.Exit(run(file or _config(), as_json=as_json))


@app.command()
def schema() -> None:
    """Print the JSON Schema of routes.yaml, by which editors complete and check.

    Save it beside the file, whose first line then says where it is:
    # yaml-language-server: $schema=./routes.schema.json

    Example: figueira schema > routes.schema.json
    """
    from gateway.cli.schema import schema as run  # noqa: PLC0415 - as above

    raise typer.Exit(run())


@app.command()
def explain(
    method: Annotated[str, typer.Argument(help="GET, POST, ...")],
    target: Annotated[str, typer.Argument(help="Path, with its query if any.")],
    *,
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", help="'Name: value'; repeatable.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The file to decide by.", show_default=_FILE_DEFAULT)
    ] = None,
    client_ip: Annotated[str, typer.Option(help="Address the request comes from.")] = "127.0.0.1",
    draw: Annotated[
        float | None, typer.Option(help="The random draw to assume, from 0 up to 1.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The explanation as JSON.")] = False,
) -> None:
    """Say where a request would go, and why not elsewhere.

    It decides by the file, and asks no gateway and no backend. X-Forwarded-For is read if the
    address is in trust.proxies, X-Figueira-* if it is in trust.testers, as the gateway does.

    Example: figueira explain GET /images/7 -H 'X-Customer-Id: 42'
    """
    from gateway.cli.explain import explain as run  # noqa: PLC0415 - as above
    from gateway.cli.question import Question  # noqa: PLC0415 - as above

    question = Question(
        method=method,
        target=target,
        headers=tuple(header or ()),
        client_ip=client_ip,
        draw=draw,
    )
    raise typer.Exit(run(config or _config(), question, as_json=as_json))


@app.command()
def pin(
    backend: Annotated[str, typer.Argument(help="The backend to go to.")],
    *,
    valid_for: Annotated[str, typer.Option("--for", help="How long: 30m, 8h, 2d.")] = "1h",
    config: Annotated[
        Path | None, typer.Option(help="The file with the secret.", show_default=_FILE_DEFAULT)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The pin as JSON.")] = False,
) -> None:
    """Make a header that sends a tester's new work to one backend, for a while.

    Signed with trust.pin_secret of routes.yaml. Whoever has it can use it, so give it to testers
    alone. Resources that exist stay with their owner.

    Example: curl -H "$(figueira pin image_service --for 8h)" -X POST .../images
    """
    from gateway.cli.pin import pin as run  # noqa: PLC0415 - as above

    raise typer.Exit(run(config or _config(), backend, valid_for, as_json=as_json))


@app.command()
def diff(
    files: Annotated[
        list[Path], typer.Argument(metavar="[OLD] NEW", help="Two files, or the new one alone.")
    ],
    *,
    traffic: Annotated[
        list[Path],
        typer.Option(help="Recorded requests, plain or gzip; - for standard input; repeatable."),
    ],
    admin: Annotated[
        str | None, typer.Option(help="URL of the admin port to ask for what serves.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The numbers as JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="For a comment on a pull request.")
    ] = False,
) -> None:
    """Say which recorded requests a changed routes.yaml would move, and for whom.

    Decisions are replayed, no backend is asked. Traffic is access lines of the gateway, or another
    server's combined log format. Without OLD, NEW is compared with what the gateway serves, or, if
    none answers, with the revision that was accepted last.

    Exit codes: 0 no request moves, 1 some do or may, 2 it cannot be told.

    Example: figueira diff routes.new.yaml --traffic var/access.log
    """
    from gateway.cli.diff import Comparison  # noqa: PLC0415 - as above
    from gateway.cli.diff import diff as run  # noqa: PLC0415 - as above

    if len(files) > 2:  # noqa: PLR2004 - old and new
        raise typer.BadParameter("give OLD and NEW, or NEW alone")
    if as_json and as_markdown:
        raise typer.BadParameter("give --json or --markdown, not both")
    comparison = Comparison(
        old=files[0] if len(files) > 1 else None,
        new=files[-1],
        traffic=tuple(traffic),
        admin_url=admin,
        form="json" if as_json else "markdown" if as_markdown else "text",
    )
    raise typer.Exit(run(comparison))


def main() -> None:
    """Run the command."""
    app()
