"""Figueira's gateway: one unchanged URL in front of a monolith and the services taken out of it."""

from __future__ import annotations
