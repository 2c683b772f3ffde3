"""The tests: unit (one module at a time), conformance (suites and real sockets), e2e."""

from __future__ import annotations
