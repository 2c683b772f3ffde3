"""The verbs about parallel runs: `report`, and `evidence` with its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.tidy import Verbs

verbs = typer.Typer(pretty_exceptions_enable=False)
_of_evidence = typer.Typer(
    name="evidence",
    cls=Verbs,
    help="Which evidence of parallel runs there is; its examples; beginning anew.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Run = Annotated[str, typer.Argument(metavar="NAME", help="The parallel run's name.")]
_MaybeRun = Annotated[str | None, typer.Argument(metavar="NAME", help="The parallel run's name.")]
_Epoch = Annotated[
    int | None,
    typer.Option(min=1, metavar="NUMBER", help="An earlier epoch; evidence list has them."),
]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_MOST_TOP = 1_000


@verbs.command()
def report(
    run: _MaybeRun = None,
    *,
    epoch: _Epoch = None,
    top: Annotated[
        int, typer.Option(min=0, max=_MOST_TOP, metavar="N", help="Differences to tell of.")
    ] = 10,
    as_json: _Json = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")
    ] = None,
) -> None:
    """Say whether the candidate of a parallel run may take over, and why.

    Reads the database of FIGUEIRA_DATABASE_URL, also while a gateway writes to it; none need run.
    The verdict may be looked at as often as one likes: it calls a candidate ready wrongly in 5 % of
    all runs at most (or what ready_when.confidence says).

    Exit codes: 0 ready; 1 not ready; 2 wrong use, or it cannot be told; 3 insufficient: more
    requests are needed.

    Example: figueira report images --html report.html
    """
    from gateway.cli.report import run_report  # noqa: PLC0415 - heavy: other verbs start faster

    if as_json and html is not None:
        raise typer.BadParameter("give --json or --html, not both")
    raise typer.Exit(run_report(run, epoch=epoch, top=top, as_json=as_json, html=html))


@_of_evidence.command("list")
def list_(run: _MaybeRun = None, *, as_json: _Json = False) -> None:
    """List the epochs of evidence that are kept; * marks the one that a report is of.

    An epoch is one build of the candidate under one set of rules.

    Exit codes: 0 fine; 1 nothing is known of that run, or the database cannot be read; 2 wrong
    use.

    Example: figueira evidence list images
    """
    from gateway.cli.evidence import list_evidence  # noqa: PLC0415 - as above

    raise typer.Exit(list_evidence(run, as_json=as_json))


@_of_evidence.command()
def export(run: _Run, *, epoch: _Epoch = None) -> None:
    """Write the kept examples of differences, redacted, one JSON object a line.

    The same value has the same token everywhere, so lines can be joined and compared.

    Exit codes: 0 fine; 1 nothing is known of that run, or the database cannot be read; 2 wrong
    use.

    Example: figueira evidence export images > examples.jsonl
    """
    from gateway.cli.evidence import export_evidence  # noqa: PLC0415 - as above

    raise typer.Exit(export_evidence(run, epoch=epoch))


@_of_evidence.command()
def reset(
    run: _Run,
    *,
    because: Annotated[
        str, typer.Option(metavar="TEXT", help="What has changed; it is kept and shown.")
    ],
) -> None:
    """Begin the evidence of a run anew, because the candidate is another one now.

    Needed only where the candidate does not name its build (build_header): a new build or changed
    rules begin a new epoch by themselves. What was known before is kept.

    Exit codes: 0 done; 1 nothing is known of that run, or the database cannot be written; 2 wrong
    use.

    Example: figueira evidence reset images --because "deployed 2.4.1"
    """
    from gateway.cli.evidence import reset_evidence  # noqa: PLC0415 - as above

    try:
        raise typer.Exit(reset_evidence(run, because))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


verbs.add_typer(_of_evidence)
