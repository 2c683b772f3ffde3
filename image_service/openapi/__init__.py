"""What the service offers, as one OpenAPI document put together from one fragment per surface."""

from __future__ import annotations
