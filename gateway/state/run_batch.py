"""What is written of parallel runs at once, and what comes of it: plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.entry import Entry
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.strata import Stratum

EpochName = tuple[str, str]
"""The run, and the epoch's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A trial that has ended."""

    entry: Entry
    fingerprint: bytes
    """16 bytes, by the token key; empty where the trial has none."""
    draw: float
    """Even in [0, 1): whether it becomes an example."""
    has_material: bool = False
    """Whether its bodies are still at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What has happened since the last one."""

    now_s: float
    gateway: str
    """Whose pending requests these are."""
    counted: Sequence[Counted] = ()
    left_out: Mapping[EpochName, Mapping[tuple[Stratum, TrialClass], int]] = field(
        default_factory=dict
    )
    not_sampled: Mapping[EpochName, int] = field(default_factory=Counter)
    pending: Mapping[str, int] = field(default_factory=dict)
    """Run -> requests that have begun and not ended; runs that are not named are as before."""
    started: str = ""
    """Which start of the gateway this is."""
    accounted: Mapping[str, int] = field(default_factory=dict)
    """Run -> eligible requests of this start that are folded, those of this batch included and its
    lost ones not."""
    lost: Mapping[str, int] = field(default_factory=dict)
    """Run -> requests of this start that nobody can say more of."""
    plans: Mapping[str, ParallelRun] = field(default_factory=dict)
    """As routes.yaml has them now."""

    @property
    def epochs(self) -> list[EpochName]:
        """All that it tells of, each once."""
        names = [(each.entry.run, each.entry.epoch_key) for each in self.counted]
        return list(dict.fromkeys([*names, *self.left_out, *self.not_sampled]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of a batch."""

    chosen: Sequence[Chosen]
    """The trials to keep as examples."""
    lost: Mapping[str, int]
    """Run -> lost requests that are folded now; those of a run without any epoch are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What an earlier process of a gateway has left."""

    lost: Mapping[str, int]
    """Run -> requests that an earlier start, or a gateway that is gone, had begun."""
    accounted: Mapping[str, int]
    """Run -> requests of this start that are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A trial that is to be kept as an example."""

    index: int
    """In the batch's `counted`."""
    stratum_id: int
    place: str
    slot: int
