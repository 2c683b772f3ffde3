"""Pictures in other formats and sizes: what may be asked for, how it is made, and made once."""

from __future__ import annotations
