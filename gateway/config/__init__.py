"""routes.yaml: its text becomes a `Snapshot`, or every `Problem` with line and column.

bytes -> `source` -> text -> `document` -> plain data and marks -> `draft` -> spec -> `backends`,
`checks`, `unreachable` -> `compile` -> Snapshot. Pure: no file is opened and no variable read here;
what the text refers to is handed in (`outside`).
"""

from __future__ import annotations

from gateway.config.loading import Reviewed, load, review
from gateway.config.runs import Deadline, expired
from gateway.config.source import SIZE_LIMIT_BYTES, too_large

__all__ = ["SIZE_LIMIT_BYTES", "Deadline", "Reviewed", "expired", "load", "review", "too_large"]
