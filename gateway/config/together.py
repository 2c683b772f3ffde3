"""What all patterns of a file need together: each path is held against all of them at once."""

from __future__ import annotations

from gateway.config.draft import Draft
from gateway.config.report import Report
from gateway.routing.pattern import TOGETHER_LIMIT, PatternError, Patterns, program_size


def check_patterns(draft: Draft, report: Report) -> None:
    """Report patterns that are too large together, at the one that makes them so."""
    if not draft.knows("routes"):
        return
    patterns: list[str] = []
    steps = 0
    for index, route in enumerate(draft.spec.routes):
        for position, match in enumerate(route.match):
            if match.path_regex is None:
                continue
            patterns.append(match.path_regex)
            # The patterns of each host are held together by themselves.
            steps += program_size(match.path_regex) * max(len(match.hosts), 1)
            if steps > TOGETHER_LIMIT:
                loc = ("routes", index, "match", position, "path_regex")
                message = f"all patterns up to here compile to {steps:,} steps"
                hint = f"the limit is {TOGETHER_LIMIT:,}; a path_prefix costs nothing"
                report.at_value(loc, message, hint)
                return
    try:
        Patterns(patterns)
    except PatternError:
        message = "its patterns need too much memory together"
        report.at_value(("routes",), message, "a path_prefix costs nothing")
