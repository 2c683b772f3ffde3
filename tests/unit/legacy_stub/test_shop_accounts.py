"""Passwords as Werkzeug hashed them, and the one account of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import open_database
from legacy_stub.settings import DEFAULTS
from legacy_stub.shop_accounts import (
    SEED_EMAIL,
    SEED_HASH,
    AccountRow,
    Accounts,
    has_hash,
    hash_password,
)

# By Werkzeug's recipe, cheap, so that a table of tries takes no time.
CHEAP = (
    "scrypt:2:1:1$sal$7fac5b1b0b3d4c0d5d2c0f0a2ac6b9b0d1a6f2b0b6f0e4a1c2d3e4f5a6b7c8d9"
    "7fac5b1b0b3d4c0d5d2c0f0a2ac6b9b0d1a6f2b0b6f0e4a1c2d3e4f5a6b7c8d9"
)


@pytest.fixture
def sessions(tmp_path: Path) -> sessionmaker[Session]:
    """An empty database."""
    return sessionmaker(open_database(f"sqlite:///{tmp_path}/legacy.db", connections=1))


def test_a_hash_of_werkzeug_is_understood() -> None:
    """SEED_HASH was made by its generate_password_hash, version 3.1."""
    assert has_hash(DEFAULTS.seed_password, SEED_HASH)
    assert not has_hash(DEFAULTS.seed_password + " ", SEED_HASH)


def test_a_password_is_hashed_with_a_salt_of_its_own() -> None:
    hashed = hash_password("á senha")
    assert hashed.startswith("scrypt:32768:8:1$")
    assert has_hash("á senha", hashed)
    assert hashed != hash_password("á senha")


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "figueira",
        "pbkdf2:sha256:1000$salt$00",
        "scrypt:32768:8:1$salt$00",
        SEED_HASH.replace("32768", "1048576"),
        SEED_HASH.replace("32768", "3"),
        SEED_HASH.replace("32768", "1"),
        SEED_HASH.replace(":8:", ":0:"),
        SEED_HASH.replace("scrypt:", "SCRYPT:"),
        CHEAP,
    ],
)
def test_no_password_fits_a_hash_of_another_kind(hashed: str) -> None:
    """Nor does one that would take all of the machine to check."""
    assert not has_hash("figueira", hashed)


def test_an_endless_password_is_not_hashed() -> None:
    assert not has_hash("x" * 1025, hash_password("x" * 1025))


def test_the_account_of_the_documentation_is_made_where_there_is_none(
    sessions: sessionmaker[Session],
) -> None:
    accounts = Accounts(sessions)
    accounts.seed(DEFAULTS.seed_password)
    accounts.seed("another")
    account = accounts.log_in(f" {SEED_EMAIL.upper()}", DEFAULTS.seed_password)
    assert account is not None
    assert accounts.find(account.id) == account
    assert account.name == "Ana"
    assert accounts.log_in(SEED_EMAIL, "another") is None
    assert accounts.log_in("nobody@loja.example", DEFAULTS.seed_password) is None


def test_an_operator_chooses_its_password(sessions: sessionmaker[Session]) -> None:
    accounts = Accounts(sessions)
    accounts.seed("a better one")
    assert accounts.log_in(SEED_EMAIL, "a better one") is not None
    with sessions() as session:
        kept = session.scalars(select(AccountRow.password_hash)).one()
    assert "a better one" not in kept


@pytest.mark.parametrize("number", [0, -1, 2, 2**63, 10**30])
def test_a_session_of_an_account_that_is_gone_is_nobodys(
    sessions: sessionmaker[Session], number: int
) -> None:
    accounts = Accounts(sessions)
    accounts.seed(DEFAULTS.seed_password)
    assert accounts.find(number) is None
