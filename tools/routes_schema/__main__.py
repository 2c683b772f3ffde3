"""Write the schema to where editors and the command `figueira schema` look for it."""

from __future__ import annotations

import sys

from tools.routes_schema.build import PLACES, ROOT, written


def main() -> int:
    """Write it; what changed shows in the repository's diff."""
    text = written()
    for place in PLACES:
        place.write_text(text, "utf-8")
        sys.stdout.write(f"{place.relative_to(ROOT)}: {len(text):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
