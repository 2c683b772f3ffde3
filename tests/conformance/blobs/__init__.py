"""Every blob store behaves alike: a folder, memory, and a bucket behind a real HTTP server."""

from __future__ import annotations
