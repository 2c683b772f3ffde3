"""Tests of image_service.jobs."""

from __future__ import annotations
