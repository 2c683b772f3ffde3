"""Stub."""

from __future__ import annotations

from gateway.parallel_run.report import RunReport


def report_html(report: RunReport) -> str:
    """To come."""
    return report.run
