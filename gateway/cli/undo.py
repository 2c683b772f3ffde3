"""`figueira undo`: an earlier routes.yaml again, to the byte, and in effect on return."""

from __future__ import annotations

from gateway.admin.operations import RevisionText
from gateway.cli.changing import Change, Options, change_file
from gateway.cli.desk import Desk, StoppedError, digest_of, problems_of
from gateway.cli.outcome import show
from gateway.cli.past import Past, StoredPast, before_last, latest_of
from gateway.settings import Settings


def undo(to: int | None, options: Options, *, as_json: bool) -> int:
    """Write an earlier revision's text into the file.

    Args:
        to: The revision; None undoes the last change: of a file that does not serve back to what
            serves, else to what served before.
        options: Where, and whether.
        as_json: Whether to print one JSON object.

    Returns:
        The exit code, as `gateway.cli.outcome` has it.

    Raises:
        ValueError: `options.admin` is no URL.
    """
    outcome = change_file(options, lambda desk, settings: _change(desk, settings, to))
    return show(outcome, as_json=as_json)


def _change(desk: Desk, settings: Settings, to: int | None) -> Change:
    past: Past = desk.admin or StoredPast(settings.database_url)
    serving = _serving(desk, past)
    target = past.revision(to) if to is not None else _last_good(desk, past, serving)
    if target is None:
        raise StoppedError(f"there is no revision {to}", "figueira history lists them")
    number, text = target.revision.number, target.text.encode()
    problems = target.problems if desk.admin else problems_of(text, desk.file)
    if problems:
        raise StoppedError(
            f"revision {number} cannot be used any more; nothing was changed",
            "figueira history shows others",
            problems,
        )
    return Change(
        text=text,
        served=serving.text.encode() if serving else desk.text or b"",
        how=f"undo --to {number}",
        by_hand=(f"figueira history {number} --text > {desk.file}",),
        restores=number,
        unchanged=f"{desk.file} holds revision {number} already; nothing to change",
    )


def _last_good(desk: Desk, past: Past, serving: RevisionText | None) -> RevisionText:
    """What an undo without a number goes back to."""
    if serving is None and desk.running is None:
        why = f"{desk.not_running}, and its database has no revision"
        raise StoppedError(why, "nothing was changed; FIGUEIRA_DATABASE_URL names another")
    if serving is None:
        raise StoppedError(
            "what serves is not in the history", "name a revision: figueira undo --to N"
        )
    if digest_of(desk.text) != serving.revision.digest:
        return serving
    return before_last(past, serving)


def _serving(desk: Desk, past: Past) -> RevisionText | None:
    """The revision by which customers are served; the last one that did, if no gateway runs.

    None if it is not kept: there was none, or the database was away.
    """
    if desk.running is None:
        return latest_of(past)
    found = past.revision(desk.running.revision)
    return found if found and found.revision.digest == desk.running.digest else None
