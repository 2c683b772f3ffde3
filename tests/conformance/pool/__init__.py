"""Tests of the pool of connections to a backend, against real sockets."""

from __future__ import annotations
