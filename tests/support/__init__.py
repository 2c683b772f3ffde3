"""Support that several test trees share."""

from __future__ import annotations
