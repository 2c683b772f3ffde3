"""What was acknowledged stays reachable, whatever is flipped, restarted or lost."""

from __future__ import annotations
