"""The monolith: a slow image shop in the plain style of a small Flask program.

Its warts are kept on purpose and numbered in ``quirks.md``.
"""

from __future__ import annotations
