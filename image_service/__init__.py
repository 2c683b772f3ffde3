"""The extracted image service: orders pictures, keeps them, serves them."""

from __future__ import annotations
