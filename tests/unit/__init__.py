"""Tests in milliseconds; the tree mirrors the packages."""

from __future__ import annotations
