"""Tests of the reader that the gateway is judged by."""

from __future__ import annotations
