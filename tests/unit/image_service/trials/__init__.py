"""Tests of image_service.trials."""

from __future__ import annotations
