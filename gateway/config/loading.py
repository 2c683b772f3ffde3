"""The steps from a file's bytes to a Snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config.backends import check_backends
from gateway.config.checks import check
from gateway.config.compile import compile_snapshot
from gateway.config.document import parse
from gateway.config.draft import draft
from gateway.config.egress import check_egress
from gateway.config.outside import NOTHING_SET, Certificates, Outside, no_files
from gateway.config.owners import check_owners
from gateway.config.runs import Deadline, check_runs, deadlines
from gateway.config.source import decode
from gateway.config.together import check_patterns
from gateway.config.unreachable import check_reachable
from gateway.errors import Caution
from gateway.routing.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A file that can be used."""

    snapshot: Snapshot
    warnings: tuple[Caution, ...]
    """In file order."""
    deadlines: tuple[Deadline, ...] = ()
    """Rules that are to be looked at again by some day: `runs.expired` says which of them have to
    be, to whoever knows what day it is."""


def load(
    text: bytes,
    environment: Mapping[str, str] = NOTHING_SET,
    certificates: Certificates = no_files,
) -> Snapshot:
    """As `review`, for whoever has no use for warnings."""
    return review(text, environment, certificates).snapshot


def review(
    text: bytes,
    environment: Mapping[str, str] = NOTHING_SET,
    certificates: Certificates = no_files,
) -> Reviewed:
    """Read routes.yaml, all of it or nothing.

    Args:
        text: The file's bytes; above `SIZE_LIMIT_BYTES` they are refused unread.
        environment: What ``${VAR}`` in a backend's url stands for.
        certificates: Reads the files that ``tls.ca`` names.

    Raises:
        ConfigError: with every problem found, in file order. Nothing else is raised, whatever
            the bytes.
    """
    # 1. Bytes to plain data. What stops here (size, encoding, syntax) is reported alone.
    document = parse(decode(text))
    report = document.report
    # 2. Shape: keys, types and single values.
    known = draft(document, Outside(environment=environment, certificates=certificates))
    # 3. What holds between values.
    check_backends(known, report)
    check(known, report)
    check_owners(known, report)
    check_runs(known, report)
    check_egress(known, report)
    check_patterns(known, report)
    check_reachable(known, report)
    report.raise_if_any()
    # 4. The compiled form.
    return Reviewed(
        snapshot=compile_snapshot(known.spec, digest=hashlib.sha256(text).hexdigest()),
        warnings=tuple(report.warnings_in_file_order()),
        deadlines=tuple(deadlines(known, report)),
    )
