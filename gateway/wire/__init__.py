"""HTTP message rules, as pure functions over bytes: what may be read, forwarded, repeated."""

from __future__ import annotations
