"""Tests of image_service.ledger."""

from __future__ import annotations
