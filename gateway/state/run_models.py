"""The tables of parallel runs: epochs, what is folded of their trials, and examples."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Float,
    ForeignKey,
    Identity,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.state.models import Base

_EPOCH = "run_epochs.id"
_STRATUM = "run_strata.id"
_CASCADE = "CASCADE"


class EpochRow(Base):
    """Evidence that belongs together: one candidate build, one set of rules."""

    __tablename__ = "run_epochs"
    __table_args__ = (UniqueConstraint("run", "key", "resets", name="run_epochs_key"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    run: Mapped[str] = mapped_column(String(255))
    key: Mapped[str] = mapped_column(String(255))
    """`gateway.parallel_run.epoch.epoch_key`."""
    resets: Mapped[int]
    """How often an operator had begun anew before."""
    plan: Mapped[str] = mapped_column(Text)
    """The `ParallelRun` as JSON, without its credentials; empty if nobody told."""
    routes: Mapped[str] = mapped_column(Text)
    """Names of the routes whose requests are in it, one a line."""
    began_at_s: Mapped[float] = mapped_column(Float)
    newest_at_s: Mapped[float] = mapped_column(Float)
    """When its newest result was written."""
    not_sampled: Mapped[int] = mapped_column(BigInteger)


class StratumRow(Base):
    """A `Tally`: what is folded of one kind of request within an epoch."""

    __tablename__ = "run_strata"
    __table_args__ = (
        UniqueConstraint("epoch_id", "method", "template", "status", name="run_strata_key"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    epoch_id: Mapped[int] = mapped_column(ForeignKey(_EPOCH, ondelete=_CASCADE))
    method: Mapped[str] = mapped_column(String(64))
    template: Mapped[str] = mapped_column(String(255))
    status: Mapped[int]
    distinct_requests: Mapped[int] = mapped_column(BigInteger)
    """DISTINCT is a word of SQL's own."""
    mismatched: Mapped[int] = mapped_column(BigInteger)
    seen_once: Mapped[int] = mapped_column(BigInteger)
    seen_twice: Mapped[int] = mapped_column(BigInteger)
    passed_over: Mapped[int] = mapped_column(BigInteger)
    passed_over_against: Mapped[int] = mapped_column(BigInteger)
    first_at_s: Mapped[float | None] = mapped_column(Float)
    newest_at_s: Mapped[float | None] = mapped_column(Float)
    folded: Mapped[str] = mapped_column(Text)
    """The rest of the tally: `gateway.parallel_run.tally_text`."""


class FingerprintRow(Base):
    """A distinct request."""

    __tablename__ = "run_fingerprints"
    __table_args__ = ({"sqlite_with_rowid": False},)

    stratum_id: Mapped[int] = mapped_column(
        ForeignKey(_STRATUM, ondelete=_CASCADE), primary_key=True, autoincrement=False
    )
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    """By the gateway's token key: whoever reads it cannot test a guess."""
    times: Mapped[int]
    """1, 2, or 3 for more."""
    differs: Mapped[bool]
    places: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A bit for each place of the stratum, least significant first; None for none."""


class ExampleRow(Base):
    """One of a few differences at a place, chosen evenly among all of them; redacted."""

    __tablename__ = "run_examples"

    stratum_id: Mapped[int] = mapped_column(
        ForeignKey(_STRATUM, ondelete=_CASCADE), primary_key=True, autoincrement=False
    )
    place: Mapped[str] = mapped_column(String(255), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at_s: Mapped[float] = mapped_column(Float)
    document: Mapped[str] = mapped_column(Text)
    """`gateway.parallel_run.examples.Example` as JSON."""


class PendingRow(Base):
    """What one gateway knows of a run beyond what is folded."""

    __tablename__ = "run_pending"

    run: Mapped[str] = mapped_column(String(255), primary_key=True)
    gateway: Mapped[str] = mapped_column(String(255), primary_key=True)
    pending: Mapped[int] = mapped_column(BigInteger)
    """Requests that it has begun to compare and not ended."""
    started: Mapped[str] = mapped_column(String(64))
    """Which start of it this is; it goes on when a process of it is replaced."""
    accounted: Mapped[int] = mapped_column(BigInteger)
    """Eligible requests of this start that are folded, whatever their class."""
    heard_at_s: Mapped[float] = mapped_column(Float)


class ResetRow(Base):
    """An operator's word that evidence begins anew."""

    __tablename__ = "run_resets"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    run: Mapped[str] = mapped_column(String(255), index=True)
    at_s: Mapped[float] = mapped_column(Float)
    because: Mapped[str] = mapped_column(Text)
    author: Mapped[str | None] = mapped_column(String(255))
