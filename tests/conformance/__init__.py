"""Suites that every implementation of a contract must pass."""

from __future__ import annotations
