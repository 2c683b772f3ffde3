"""The words of reports, the same in the terminal and on the page."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.parallel_run.report import RunReport, StratumReport
from gateway.parallel_run.verdict import percent, span

CLASS_WORDS = {
    "matched": "both answered alike",
    "ignored": "differed only where a rule says that it does not matter",
    "noise": "differed only where two controls differ as well; counts against the candidate",
    "mismatched": "differed",
    "candidate_failed": "the control answered, the candidate did not",
    "control_failed": "the control did not answer",
    "both_failed": "neither answered",
    "not_replicated": "the candidate does not hold that resource yet",
    "raced": "the control, asked once more, answered differently itself",
    "compare_failed": "a rule or the comparison failed",
    "not_sampled": "not chosen",
    "shed": "there was no room: customers come first",
    "too_large": "a body was too large to be kept",
    "over_budget": "the budget of trials was spent",
    "client_gone": "the customer left before the answer was complete",
    "unsafe_refused": "may change something, and no writes are declared",
    "lost": "the process that compared died",
}
"""Class of a trial -> what it means, in the order of the balance sheet."""
PENDING_WORDS = "under way"


def ago(at: str, now: str) -> str:
    """``2 minutes ago``."""
    past_s = (_moment(now) - _moment(at)).total_seconds()
    return "just now" if past_s < 60 else f"{span(past_s)} ago"  # noqa: PLR2004 - a minute


def since(report: RunReport) -> str:
    """How long the evidence has been gathered."""
    past_s = (_moment(report.at) - _moment(report.epoch.began_at)).total_seconds()
    return span(max(past_s, 0.0))


def still(each: StratumReport) -> str:
    """A stratum's verdict in a few words."""
    if each.state != "insufficient":
        return each.state
    if each.more is None:
        return "insufficient"
    about = f", {span(each.more_s)}" if each.more_s is not None else ""
    return f"{each.more:,} more{about}"


def rate(each: StratumReport) -> str:
    """Where the mismatch rate lies."""
    if not each.distinct:
        return "unknown"
    if not each.mismatched:
        return f"< {percent(each.rate_at_most)}"
    return f"{_bare(each.rate_at_least)} to {percent(each.rate_at_most)}"


def times(control_s: float | None, candidate_s: float | None) -> str:
    """``21 -> 12 ms``."""
    if control_s is None or candidate_s is None:
        return "-"
    return f"{_ms(control_s)} -> {_ms(candidate_s)} ms"


def _ms(duration_s: float) -> str:
    milliseconds = duration_s * 1000
    return f"{milliseconds:,.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}"  # noqa: PLR2004 - two digits


def _bare(share: float) -> str:
    return percent(share).removesuffix(" %")


def _moment(at: str) -> datetime:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def local(at: str) -> str:
    """A moment in local time, to the minute."""
    return _moment(at).astimezone().strftime("%Y-%m-%d %H:%M")
