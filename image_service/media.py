"""What a blob is, told by its first bytes: nobody is believed about it."""

from __future__ import annotations

# As many bytes as the table below looks at.
SNIFF_BYTES = 16
UNKNOWN = "application/octet-stream"

_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (0, b"GIF8", "image/gif"),
)


def media_type_of(head: bytes) -> str:
    """Return the media type; ``UNKNOWN`` for all but pictures that browsers show safely.

    SVG is unknown, too: it may hold scripts, and is only ever handed out as a download.
    """
    for offset, signature, media_type in _SIGNATURES:
        if head.startswith(signature, offset):
            return media_type
    return UNKNOWN
