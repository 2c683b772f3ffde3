"""Trials: requests of a parallel run, which leave nothing behind."""

from __future__ import annotations
