"""What a change of routes.yaml would do to recorded traffic; what is recorded for that. Pure."""

from __future__ import annotations
