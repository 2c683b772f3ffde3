"""What is remembered of the distinct requests of one stratum, within a transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.parallel_run.tally import Known
from gateway.state.run_models import FingerprintRow

_AT_ONCE = 500
"""Fingerprints in a question; every database takes as many values."""


class Requests:
    """Those that a batch is about."""

    def __init__(self, connection: AsyncConnection, stratum_id: int) -> None:
        self._connection = connection
        self._stratum_id = stratum_id
        self._before: dict[bytes, Known] = {}
        self._now: dict[bytes, Known] = {}

    @classmethod
    async def of(
        cls, connection: AsyncConnection, stratum_id: int, fingerprints: Iterable[bytes]
    ) -> Requests:
        """What is remembered of these."""
        requests = cls(connection, stratum_id)
        wanted = sorted(set(filter(None, fingerprints)))
        for start in range(0, len(wanted), _AT_ONCE):
            await requests._load(wanted[start : start + _AT_ONCE])
        return requests

    async def _load(self, fingerprints: list[bytes]) -> None:
        columns = (
            FingerprintRow.fingerprint,
            FingerprintRow.times,
            FingerprintRow.differs,
            FingerprintRow.places,
        )
        rows = await self._connection.execute(
            select(*columns).where(
                FingerprintRow.stratum_id == self._stratum_id,
                FingerprintRow.fingerprint.in_(fingerprints),
            )
        )
        for fingerprint, times, differs, places in rows.all():
            self._before[bytes(fingerprint)] = Known(times, differs, numbers_of(places))

    def get(self, fingerprint: bytes) -> Known | None:
        """What is remembered of a request; None if nothing is."""
        return self._now.get(fingerprint) or self._before.get(fingerprint)

    def set(self, fingerprint: bytes, known: Known | None) -> None:
        """Remember this of it."""
        if known is not None:
            self._now[fingerprint] = known

    async def save(self) -> None:
        """Write what is new."""
        changed = {
            fingerprint: known
            for fingerprint, known in self._now.items()
            if known != self._before.get(fingerprint)
        }
        new = [self._row(each, changed[each]) for each in changed if each not in self._before]
        old = [
            {"its": each, "t": known.times, "d": known.differs, "p": bits_of(known.places)}
            for each, known in changed.items()
            if each in self._before
        ]
        if new:
            await self._connection.execute(insert(FingerprintRow), new)
        if old:
            table = FingerprintRow.__table__
            change = (
                update(FingerprintRow)
                .where(
                    table.c.stratum_id == self._stratum_id,
                    table.c.fingerprint == bindparam("its"),
                )
                .values(times=bindparam("t"), differs=bindparam("d"), places=bindparam("p"))
            )
            await self._connection.execute(change, old)

    def _row(self, fingerprint: bytes, known: Known) -> dict[str, object]:
        return {
            "stratum_id": self._stratum_id,
            "fingerprint": fingerprint,
            "times": known.times,
            "differs": known.differs,
            "places": bits_of(known.places),
        }


def bits_of(numbers: frozenset[int]) -> bytes | None:
    """A bit for each number; None for none."""
    if not numbers:
        return None
    return sum(1 << each for each in numbers).to_bytes(max(numbers) // 8 + 1, "little")


def numbers_of(bits: bytes | None) -> frozenset[int]:
    """What `bits_of` wrote."""
    whole = int.from_bytes(bits or b"", "little")
    return frozenset(each for each in range(whole.bit_length()) if whole >> each & 1)
