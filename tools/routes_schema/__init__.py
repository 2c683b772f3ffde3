"""The JSON Schema of routes.yaml, for editors: ``python -m tools.routes_schema`` writes it anew.

Its structure comes from the specs, its descriptions from docs/routes.md, so that each is written
once. What a schema cannot say (sums, names that must be known, precedence) `figueira check` says.
"""

from __future__ import annotations
