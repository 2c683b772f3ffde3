"""Where a request goes, and why: RequestHead + Snapshot + draw -> Decision. Pure."""

from __future__ import annotations
