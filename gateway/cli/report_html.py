"""A report as one page that needs nothing else: no script, no other file, no network.

Whatever comes from customers or backends is escaped, and the page's own policy lets nothing run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from math import log10

from gateway.cli.report_examples_html import example_html
from gateway.cli.report_style import STYLE
from gateway.cli.report_words import (
    CLASS_WORDS,
    PENDING_WORDS,
    ago,
    local,
    rate,
    since,
    still,
    times,
)
from gateway.config.wording import plural
from gateway.parallel_run.report import NoiseReport, PlaceReport, RunReport, StratumReport
from gateway.parallel_run.verdict import percent

_CLASSES = {"ready": "ready", "not ready": "no", "insufficient": "more"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_OPEN = 3
"""Differences that are unfolded at first."""
_DECADES = 5
"""Of the scale of rates: from 0.001 % to 100 %."""
_AGAINST = frozenset({"noise", "mismatched", "candidate_failed"})
_AGREED = frozenset({"matched", "ignored"})


def report_html(report: RunReport) -> str:
    """The page."""
    title = f"{report.run}: {report.state}"
    body = "\n".join(
        [
            _glued(_head(report)),
            _glued(_section("Kinds of requests", _strata(report))),
            _glued(_section("What became of every eligible request", _balance(report))),
            _section("Where they differ", _differences(report)),
            _section("Noise", _noise(report)),
            _section("Rules", _rules(report)),
            _section("Evidence", _epochs(report)),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _glued(html: str) -> str:
    """Numbers and their percent signs on one line."""
    return html.replace(" %", "&nbsp;%")


def _section(title: str, parts: Iterable[str]) -> str:
    inner = "\n".join(parts)
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>" if inner else ""


def _head(report: RunReport) -> str:
    reasons = "".join(f"<li>{escape(each)}</li>" for each in report.reasons)
    epoch, limit = report.epoch, report.ready_when
    routes = ", ".join(report.routes) or "no route yet"
    facts = [
        ("Candidate's build", epoch.build),
        ("Evidence", f"{since(report)}, newest {ago(epoch.newest_at, report.at)}"),
        ("Limit", f"{percent(limit.mismatch_rate_below)} at {percent(limit.confidence)}"),
        ("Sampled", f"{report.sample:g} % of {routes}"),
    ]
    if not epoch.number:
        facts[1] = ("Evidence", "begun anew; no trial has ended since")
    told = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    sides = f"{escape(report.control or '?')} &rarr; {escape(report.candidate or '?')}"
    return (
        f'<header class="{_CLASSES[report.state]}">\n<p class="sides">{sides}</p>\n'
        f'<h1>{escape(report.run)} <span class="state">{escape(report.state)}</span></h1>\n'
        f'<ul class="reasons">{reasons}</ul>\n<dl class="facts">{told}</dl>\n</header>'
    )


def _strata(report: RunReport) -> Iterator[str]:
    if not report.strata:
        yield "<p>There is no trial yet.</p>"
        return
    limit = report.ready_when.mismatch_rate_below
    heads = ("Kind", "Requests", "Differ", "Mismatch rate", "", "p50", "p95", "Verdict")
    numbers = {"Requests", "Differ"}
    cells = "".join(
        f'<th scope="col"{" class=n" if each in numbers else ""}>{each}</th>' for each in heads
    )
    rows = "\n".join(_stratum(each, limit, report.state) for each in report.strata)
    yield (
        f'<div class="wide"><table class="kinds">\n<caption>Different requests of each kind, how'
        f" many of them differed in any trial, and between what the true rate lies; the line marks"
        f" the limit of {percent(limit)}.</caption>\n<thead><tr>{cells}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _stratum(each: StratumReport, limit: float, state: str) -> str:
    latency, note = each.latency, ""
    if each.consists_of:
        note += f"<small>{escape(', '.join(each.consists_of))}</small>"
    if each.passed_over:
        note += f"<small>{each.passed_over:,} further trials are of requests not told apart</small>"
    # What the verdict rests on stands above already.
    is_told = each.more is not None or each.state == state
    why = "" if is_told else f"<small>{escape('; '.join(each.reasons))}</small>"
    return (
        f'<tr><th scope="row"><code>{escape(each.name)}</code>{note}</th>'
        f"<td class=n>{each.distinct:,}</td><td class=n>{each.mismatched:,}</td>"
        f"<td class=nowrap>{escape(rate(each))}</td><td>{_scale(each, limit)}</td>"
        f"<td>{_thin(times(latency.control.p50_s, latency.candidate.p50_s))}</td>"
        f"<td>{_thin(times(latency.control.p95_s, latency.candidate.p95_s))}</td>"
        f'<td class="{_CLASSES[each.state]}"><b>{escape(still(each))}</b>{why}</td></tr>'
    )


def _thin(text: str) -> str:
    return f'<span class="nowrap">{escape(text).replace("-&gt;", "&rarr;")}</span>'


def _scale(each: StratumReport, limit: float) -> str:
    """Where the rate lies, drawn; the numbers stand beside it."""
    low, high, mark = (_at(rate) for rate in (each.rate_at_least, each.rate_at_most, limit))
    return (
        '<svg class="scale" viewBox="0 0 120 14" width="120" height="14" aria-hidden="true">'
        '<rect class="ground" x="0" y="5" width="120" height="4" rx="2"/>'
        f'<rect class="{_CLASSES[each.state]}" x="{min(low, 116):.1f}" y="4" height="6" rx="3"'
        f' width="{max(high - low, 4):.1f}"/>'
        f'<rect class="limit" x="{mark:.1f}" y="0" width="2" height="14"/>'
        "</svg>"
    )


def _at(share: float) -> float:
    """0..120, by the logarithm."""
    return 120 * max(0.0, 1 + log10(max(share, 1e-9)) / _DECADES)


def _balance(report: RunReport) -> Iterator[str]:
    balance = report.balance
    parts = [(name, balance.classes.get(name, 0), words) for name, words in CLASS_WORDS.items()]
    parts.append(("pending", balance.pending, PENDING_WORDS))
    shown = [each for each in parts if each[1]]
    if not shown:
        return
    compared = [each for each in shown if each[0] != "not_sampled"]
    total = sum(count for _, count, _ in compared) or 1
    bar = "".join(
        f'<i class="{_tone(name)}" style="width:{100 * count / total:.3f}%"></i>'
        for name, count, _ in compared
    )
    rows = "\n".join(
        f'<tr><th scope="row"><i class="dot {_tone(name)}"></i>{name}</th>'
        f"<td class=n>{count:,}</td><td class=n>{percent(count / balance.eligible)}</td>"
        f"<td>{escape(words)}</td></tr>"
        for name, count, words in shown
    )
    yield f'<div class="bar" aria-hidden="true">{bar}</div>'
    yield (
        '<div class="wide"><table class="tight"><caption>Every eligible request is in exactly one'
        f" row; the bar shows those that were sampled.</caption>\n<tbody>\n{rows}\n</tbody>\n"
        f'<tfoot><tr><th scope="row">eligible</th><td class=n>{balance.eligible:,}</td>'
        "<td class=n>100 %</td><td>the sum</td></tr></tfoot></table></div>"
    )
    for fault, count in report.faults.items():
        yield f"<p class=note>compare_failed, {count:,} times: {escape(fault)}</p>"


def _tone(name: str) -> str:
    if name in _AGREED:
        return "ready"
    return "no" if name in _AGAINST else "apart"


def _differences(report: RunReport) -> Iterator[str]:
    if not report.differences:
        yield "<p>Nowhere.</p>" if report.strata else ""
        return
    if report.differences_in_all > len(report.differences):
        yield (
            f"<p class=note>The {len(report.differences)} commonest of"
            f" {report.differences_in_all:,} places.</p>"
        )
    for number, each in enumerate(report.differences, 1):
        yield _difference(number, each, report.at)


def _difference(number: int, each: PlaceReport, at: str) -> str:
    marks = '<span class="tag">noise</span>' if each.is_noise else ""
    if each.is_worse:
        marks += '<span class="tag no">more than two controls</span>'
    kinds = ", ".join(each.kinds)
    told = (
        f"{plural(each.distinct, 'request')}, {percent(each.share)} of those that differ"
        f" ({kinds}); newest {ago(each.newest_at, at)}"
    )
    examples = "\n".join(example_html(example) for example in each.examples)
    is_open = " open" if number <= _OPEN else ""
    return (
        f"<details{is_open}><summary><code>{escape(each.place)}</code>{marks}"
        f"<span class=where>{escape(each.stratum)}</span>"
        f"<span class=told>{escape(told)}</span></summary>\n"
        f"{examples or '<p class=note>No example is kept.</p>'}\n</details>"
    )


def _noise(report: RunReport) -> Iterator[str]:
    if report.noise:
        yield (
            "<p>The old code differs from itself here, and the candidate no more than that. It"
            " counts against the candidate until a person says otherwise: paste a rule into"
            f" <code>parallel_runs.{escape(report.run)}</code>, or mend what differs.</p>"
        )
    elif report.differences and not report.second_controls:
        yield (
            "<p>No second control was asked, so nothing is known of noise:"
            " <code>noise_sample</code> in routes.yaml has one asked for a share of the trials.</p>"
        )
    yield from map(_noisy, report.noise)


def _noisy(each: NoiseReport) -> str:
    rule = f"<pre class=rule>{escape(each.rule)}</pre>" if each.rule else ""
    return (
        f"<div class=noisy><p><code>{escape(each.place)}</code>"
        f"<span class=where>{escape(each.stratum)}</span></p>"
        f"<p class=note>Of {plural(each.triads, 'trial')} with a second control the candidate alone"
        f" differed in {each.candidate:,}, the second control alone in {each.control:,}, both in"
        f" {each.both:,}.</p>{rule}</div>"
    )


def _rules(report: RunReport) -> Iterator[str]:
    if not report.rules:
        return
    rows = []
    for each in report.rules:
        state, tone = (f"{plural(each.trials, 'trial')}", "") if each.trials else ("never", "more")
        until = f"expired {each.until}" if each.is_expired else each.until or "-"
        rows.append(
            f'<tr><th scope="row"><code>{escape(each.rule)}</code></th>'
            f'<td class="nowrap {tone}">{state}</td>'
            f'<td class="nowrap {"no" if each.is_expired else ""}">'
            f"{escape(until)}</td><td>{escape(each.because)}</td></tr>"
        )
    heads = "".join(f'<th scope="col">{each}</th>' for each in ("Rule", "Used", "Until", "Because"))
    yield (
        '<div class="wide"><table class="tight"><caption>Trials in which a rule covered a'
        f" difference, in this epoch.</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )


def _epochs(report: RunReport) -> Iterator[str]:
    items = [
        f"<li><b>build {escape(each.build)}</b>, rules <code>{escape(each.rules or '-')}</code>,"
        f" {local(each.began_at)} to {local(each.newest_at)}{said}</li>"
        for each, said in [(report.epoch, " (this report)"), *((one, "") for one in report.before)]
        if each.number
    ]
    yield f"<ul>{''.join(items)}</ul>"
    for each in report.resets:
        who = f" by {escape(each.author)}" if each.author else ""
        yield f"<p class=note>Begun anew {local(each.at)}{who}: {escape(each.because)}</p>"
    yield (
        f"<p class=note>Judged {local(report.at)}. Values in examples are redacted: the same value"
        " has the same token everywhere. The verdict may be looked at at any time, and is wrong in"
        f" {percent(1 - report.ready_when.confidence)} of all runs at most.</p>"
    )
