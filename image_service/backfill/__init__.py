"""Brings the monolith's images over: its change feed in, rows and pictures here.

``events``, ``progress`` and ``comparing`` decide; ``feed``, ``landing`` and ``pictures`` act.
"""

from __future__ import annotations
