"""What an operator reads when PostgreSQL cannot be used."""

from __future__ import annotations

import pytest

from legacy_stub.database import open_database
from legacy_stub.errors import StartError


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    with pytest.raises(StartError) as caught:
        open_database("postgresql://shop:tiger@127.0.0.1:1/legacy", connections=1)
    line = str(caught.value)
    assert line.startswith("database postgresql://shop:***@127.0.0.1:1/legacy: PostgreSQL says: ")
    assert "\n" not in line
    assert "tiger" not in line
