"""What every side and every database must do alike."""

from __future__ import annotations
