"""What keeps everything from being started."""

from __future__ import annotations


class UpError(Exception):
    """Nothing was started; the text says where, why and what to do, in one line."""
