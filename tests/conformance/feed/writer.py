"""``python -m tests.conformance.feed.writer URL NAME``: a program beside the monolith.

It writes products in transactions of several statements, takes every fourth one back, and says on
standard output which marks it has committed, each before it writes the next.
"""

from __future__ import annotations

import itertools
import random
import sys

from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

ROWS = 20
TRANSACTIONS = 60


def main(url: str, name: str) -> None:
    """Write, and say what was committed."""
    engine = create_engine(url)
    draw = random.Random(name)
    for number in itertools.count():
        if number == TRANSACTIONS:
            break
        marks = [f"{name}-{number}-{part}" for part in range(draw.randint(1, 3))]
        try:
            with engine.connect() as connection:
                for mark in marks:
                    values = {"id": draw.randint(1, ROWS), "mark": mark}
                    connection.execute(text("DELETE FROM product WHERE id = :id"), values)
                    connection.execute(
                        text("INSERT INTO product (id, name, price) VALUES (:id, :mark, 1)"), values
                    )
                if number % 4 == 0:
                    connection.rollback()
                    continue
                connection.commit()
        except (IntegrityError, OperationalError):
            continue  # another was quicker, or each waited for the other
        for mark in marks:
            sys.stdout.write(f"{mark}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
