"""The processes of `figueira serve`, really forked, with the smallest work there is."""

from __future__ import annotations
