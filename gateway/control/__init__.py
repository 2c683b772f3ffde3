"""The processes of `figueira serve`: a supervisor, one control, N workers, and what they say."""

from __future__ import annotations
