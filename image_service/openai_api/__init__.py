"""The surface that OpenAI's own clients speak: ``/v1/images/generations`` and ``/v1/models``."""

from __future__ import annotations
