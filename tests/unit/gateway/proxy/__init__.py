"""Tests of the data path's parts that need no backend."""

from __future__ import annotations
