"""A report as people read it in a terminal: the verdict first, then what it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from gateway.cli.ink import Ink, printable
from gateway.cli.report_words import (
    CLASS_WORDS,
    PENDING_WORDS,
    ago,
    rate,
    since,
    still,
    times,
)
from gateway.cli.side_by_side import side_by_side
from gateway.config.wording import plural
from gateway.parallel_run.report import (
    PlaceReport,
    RunReport,
    StratumReport,
)
from gateway.parallel_run.verdict import State, percent

_COLOURS = {"ready": "green", "not ready": "red", "insufficient": "yellow"}
_WIDE = 110
"""Columns from which there is room for durations and for what the classes mean."""
_LEAST = 60
_MOST = 160
_INDENT = "  "
_GLUE = "\N{NO-BREAK SPACE}"
_EXAMPLES = 1
"""Of a difference; the page and the export have all."""


def report_text(report: RunReport, ink: Ink, columns: int) -> Iterator[str]:
    """Lines of the report, no wider than a terminal of so many columns."""
    width = min(max(columns, _LEAST), _MOST)
    parts = (
        _verdict(report, ink, width),
        _facts(report, ink, width),
        _strata(report, ink, width),
        _balance(report, ink, width),
        _differences(report, ink, width),
        _noise(report, ink, width),
        _rules(report, ink, width),
        _history(report, ink, width),
    )
    for index, part in enumerate(parts):
        lines = list(part)
        if lines and index:
            yield ""
        yield from lines


def _verdict(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    sides = f"{printable(report.control) or '?'} -> {printable(report.candidate) or '?'}"
    state = ink("bold", ink(_COLOURS[report.state], report.state.upper()))
    yield f"{ink('bold', printable(report.run))}: {state}  {ink('dim', sides)}"
    yield ""
    for reason in report.reasons:
        yield from _wrapped(reason, width, _INDENT)


def _facts(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    epoch, limit = report.epoch, report.ready_when
    rows = [
        (
            "evidence",
            f"of build {epoch.build}, rules {epoch.rules or '-'}, for {since(report)}; the newest"
            f" {ago(epoch.newest_at, report.at)}",
        )
    ]
    if not epoch.number:
        rows = [("evidence", "begun anew; no trial has ended since")]
    rows.append(
        (
            "limit",
            f"fewer than {percent(limit.mismatch_rate_below)} of the requests of each kind may"
            f" differ, at {percent(limit.confidence)} confidence",
        )
    )
    routes = ", ".join(report.routes)
    sampled = f"{report.sample:g} % of what {routes or 'no route yet'} takes"
    rows.append(("sampled", sampled + (", roles swapped (reverse)" if report.is_reversed else "")))
    for name, text in rows:
        lines = _wrapped(text, width, " " * 10)
        first = next(lines)
        yield ink("dim", name.ljust(10)) + first.lstrip()
        yield from lines


def _strata(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    if not report.strata:
        return
    is_wide = width >= _WIDE
    head = ["KIND OF REQUEST", "REQUESTS", "DIFFER", "RATE IS"]
    if is_wide:
        head += ["HALF WITHIN", "95 % WITHIN"]
    rows = [_row(each, is_wide=is_wide) for each in report.strata]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    verdicts = [still(each) for each in report.strata]
    rest = sum(widths[1:]) + 2 * len(widths) + max(len(each) for each in [*verdicts, "VERDICT"])
    widths[0] = max(min(widths[0], width - rest), 15)
    yield ink("dim", _line([*head, "VERDICT"], widths))
    for each, row, verdict in zip(report.strata, rows, verdicts, strict=True):
        yield _line([*row, ink(_COLOURS[each.state], verdict)], widths)
        is_told = each.more is not None or each.state == report.state
        if each.state == State.INSUFFICIENT and not is_told:
            yield from _dimmed("; ".join(each.reasons), width, ink)
        if each.consists_of:
            yield from _dimmed(f"these are {', '.join(each.consists_of)}", width, ink)
        if each.passed_over:
            passed = (
                f"{each.passed_over:,} further trials are of requests that are not told apart any"
                " more: there are too many different ones"
            )
            yield from _dimmed(passed, width, ink)


def _row(each: StratumReport, *, is_wide: bool) -> list[str]:
    row = [printable(each.name), f"{each.distinct:,}", f"{each.mismatched:,}", rate(each)]
    if is_wide:
        latency = each.latency
        row += [
            times(latency.control.p50_s, latency.candidate.p50_s),
            times(latency.control.p95_s, latency.candidate.p95_s),
        ]
    return row


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A row; numbers are on the right."""
    first = _short(cells[0], widths[0]).ljust(widths[0])
    middle = [cell.rjust(width) for cell, width in zip(cells[1:3], widths[1:3], strict=True)]
    rest = [cell.ljust(width) for cell, width in zip(cells[3:-1], widths[3:], strict=True)]
    return "  ".join([first, *middle, *rest, cells[-1]]).rstrip()


def _short(text: str, most: int) -> str:
    """The text, its middle left out where it is too long: paths tell by both their ends."""
    if len(text) <= most:
        return text
    tail = (most - 1) * 2 // 3
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def _balance(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    balance = report.balance
    names = [name for name in CLASS_WORDS if name in balance.classes]
    wide = max((len(f"{balance.eligible:,}"), 5))
    is_wide = width >= _WIDE

    def line(name: str, count: int, words: str = "") -> str:
        share = percent(count / balance.eligible) if balance.eligible else ""
        tail = ink("dim", words) if is_wide else ""
        return f"{_INDENT}{name.ljust(17)}{count:{wide},}  {share.rjust(9)}  {tail}".rstrip()

    yield ink("dim", "WHAT BECAME OF EVERY ELIGIBLE REQUEST")
    for name in names:
        yield line(name, balance.classes[name], CLASS_WORDS[name])
    if balance.pending:
        yield line("pending", balance.pending, PENDING_WORDS)
    yield ink("bold", line("eligible", balance.eligible))
    for fault, count in list(report.faults.items())[:3]:
        yield from _dimmed(f"compare_failed, {count:,} times: {fault}", width, ink)


def _differences(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    if not report.differences:
        return
    shown, in_all = len(report.differences), report.differences_in_all
    more = f" (the {shown} commonest of {in_all:,} places)" if in_all > shown else ""
    yield ink("dim", f"WHERE THEY DIFFER{more}")
    for number, each in enumerate(report.differences, 1):
        yield from _difference(number, each, report.at, ink, width)


def _difference(number: int, each: PlaceReport, at: str, ink: Ink, width: int) -> Iterator[str]:
    if number > 1:
        yield ""
    mark = ink("dim", "  noise") if each.is_noise else ""
    if each.is_worse:
        mark = ink("red", "  differs more than two controls do")
    place = _short(printable(each.place), width - 5)
    yield f"{number:>3}  {ink('bold', place)}{mark}"
    kinds = ", ".join(each.kinds)
    text = (
        f"{each.stratum}: {plural(each.distinct, 'request')} ({kinds}),"
        f" {percent(each.share)} of those that differ; the newest {ago(each.newest_at, at)}"
    )
    yield from _wrapped(text, width, " " * 5)
    for example in each.examples[:_EXAMPLES]:
        yield from (f"{' ' * 5}{line}" for line in side_by_side(example, ink, width - 5))


def _noise(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    if not report.noise:
        if not report.second_controls and report.differences:
            text = (
                "No second control was asked, so nothing is known of noise:"
                " noise_sample in routes.yaml has one asked for a share of the trials."
            )
            yield from _wrapped(text, width, "")
        return
    yield ink("dim", "NOISE: THE OLD CODE DIFFERS FROM ITSELF, AND COUNTS UNTIL A RULE SAYS MORE")
    for each in report.noise:
        yield f"{_INDENT}{ink('bold', _short(printable(each.place), width - 2))}"
        text = (
            f"{each.stratum}: of {plural(each.triads, 'trial')} with a second control the candidate"
            f" alone differed in {each.candidate:,}, the second control alone in"
            f" {each.control:,}, both in {each.both:,}"
        )
        yield from _wrapped(text, width, " " * 4)
        for line in each.rule.split("\n") if each.rule else []:
            yield ink("green", f"{' ' * 6}{printable(line)}")


def _rules(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    expired = [each for each in report.rules if each.is_expired]
    unused = [each for each in report.rules if not each.trials and not each.is_expired]
    used = [each for each in report.rules if each.trials]
    if not report.rules:
        return
    yield ink("dim", "RULES")
    for each in used:
        until = f", until {each.until}" if each.until else ""
        yield from _wrapped(f"{each.rule}: {plural(each.trials, 'trial')}{until}", width, _INDENT)
    for each in unused:
        text = f"{each.rule}: never needed in this epoch; take it out if that stays so"
        yield from (ink("yellow", line) for line in _wrapped(text, width, _INDENT))
    for each in expired:
        text = f"{each.rule}: was valid until {each.until} ({each.because})"
        yield from (ink("red", line) for line in _wrapped(text, width, _INDENT))


def _history(report: RunReport, ink: Ink, width: int) -> Iterator[str]:
    for each in report.resets[:1]:
        who = f" by {each.author}" if each.author else ""
        text = f"Begun anew {ago(each.at, report.at)}{who}: {each.because}"
        yield from _dimmed(text, width, ink, "")
    if report.before:
        count = plural(len(report.before), "earlier epoch")
        yield ink("dim", f"{count} kept: figueira evidence list {printable(report.run)}")


def _wrapped(text: str, width: int, indent: str) -> Iterator[str]:
    # A number and its percent sign stay together.
    lines = textwrap.wrap(
        printable(text).replace(" %", f"{_GLUE}%"),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    yield from (line.replace(_GLUE, " ") for line in lines)


def _dimmed(text: str, width: int, ink: Ink, indent: str = "    ") -> Iterable[str]:
    return (ink("dim", line) for line in _wrapped(text, width, indent))
