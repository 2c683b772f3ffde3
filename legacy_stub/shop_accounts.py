"""Who may log in: the accounts, their passwords as the original hashed them.

The format is Werkzeug's, ``scrypt:N:r:p$SALT$HEX``, so that rows of the original table would do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import String, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from legacy_stub.database import Model
from legacy_stub.settings import DEFAULTS

SEED_EMAIL = "ana@loja.example"
SEED_NAME = "Ana"
# Of the default password: hashing it anew would add a tenth of a second to each first start.
SEED_HASH = (
    "scrypt:32768:8:1$kXgXRzG3BpMEnhsj$53220e7d793ccc434724d26ea258c991d97a04379e44482a263b1cb97766ff"
    "99ff519a59ea6d1ab98aebd12be0fc7642ebf1406eac28925c4f05f49959963426"
)
COST = (32768, 8, 1)  # Werkzeug's N, r, p: 32 MiB and about a tenth of a second
COST_LIMIT = (
    2**20
)  # of N * r * p in a row: four times the above; more would be a way to stop the shop
SALT_CHARACTERS = 16
LARGEST_ID = 2**63 - 1  # of a SQLite row
PASSWORD_CHARACTERS = 1024  # far beyond any passphrase
HASH = re.compile(r"scrypt:(\d{1,7}):(\d{1,4}):(\d{1,4})\$([^$]+)\$([0-9a-f]{128})", re.ASCII)


class AccountRow(Model):
    """An account. ``email`` is in lower case."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is logged in."""

    id: int
    name: str


class Accounts:
    """The table of accounts."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def seed(self, password: str) -> None:
        """Make the account of the documentation, if there is no account at all.

        Args:
            password: Of that account.
        """
        with self._sessions.begin() as session:
            if session.scalar(select(func.count()).select_from(AccountRow)):
                return
        hashed = SEED_HASH if password == DEFAULTS.seed_password else hash_password(password)
        row = {"email": SEED_EMAIL, "name": SEED_NAME, "password_hash": hashed}
        # Another process may have made it meanwhile.
        with suppress(IntegrityError), self._sessions.begin() as session:
            session.execute(insert(AccountRow).values(row))

    def log_in(self, email: str, password: str) -> Account | None:
        """Return the account with that password; None if there is none.

        An address that nobody has takes as long as a wrong password.
        """
        with self._sessions() as session:
            found = AccountRow.email == email.strip().lower()
            row = session.scalar(select(AccountRow).where(found))
        is_right = has_hash(password, SEED_HASH if row is None else row.password_hash)
        if row is None or not is_right:
            return None
        return Account(id=row.id, name=row.name)

    def find(self, account_id: int) -> Account | None:
        """Return the account of a session; None if it is gone."""
        if not 0 < account_id <= LARGEST_ID:
            return None
        with self._sessions() as session:
            row = session.get(AccountRow, account_id)
            return None if row is None else Account(id=row.id, name=row.name)


def hash_password(password: str) -> str:
    """Return what to keep of ``password``."""
    letters = string.ascii_letters + string.digits
    salt = "".join(secrets.choice(letters) for _ in range(SALT_CHARACTERS))
    n, r, p = COST
    return f"scrypt:{n}:{r}:{p}${salt}${_scrypt(password, salt, COST).hex()}"


def has_hash(password: str, hashed: str) -> bool:
    """Whether ``hashed`` was made of ``password``; False for other formats and long passwords."""
    kept = HASH.fullmatch(hashed)
    if kept is None or len(password) > PASSWORD_CHARACTERS:
        return False
    n, r, p = (int(kept[group]) for group in (1, 2, 3))
    is_cost = n > 1 and n.bit_count() == 1 and r * p > 0  # RFC 7914, section 6
    if not is_cost or n * r * p > COST_LIMIT:
        return False
    return hmac.compare_digest(_scrypt(password, kept[4], (n, r, p)), bytes.fromhex(kept[5]))


def _scrypt(password: str, salt: str, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    room_bytes = 132 * n * r * p + 65536  # scrypt needs 128 * n * r and some, with p beside it
    return hashlib.scrypt(
        password.encode(errors="surrogatepass"),
        salt=salt.encode(),
        n=n,
        r=r,
        p=p,
        maxmem=room_bytes,
    )
