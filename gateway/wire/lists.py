"""JSON arrays of several backends become one, each record byte for byte as its backend wrote it.

A record counts where its resource lives: one that a side lists though another made it is a copy,
and has gone if its owner does not list it any more. Only white space around the records is chosen
here, as the first side has it: with nothing to add, the list is that side's, to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import msgspec

_WHITE = b" \t\r\n"
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


class NotAListError(Exception):
    """A side's answer is no list that could be merged; the message says why, without its bytes."""

    def __init__(self, backend: str, why: str) -> None:
        super().__init__(f"{backend}: {why}")
        self.backend = backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How records are told apart and put in order."""

    id: tuple[str, ...]
    """The keys that lead to a record's id."""
    order: Literal["ascending", "descending", "as_listed"]
    owner_of: Callable[[bytes], str | None]
    """The backend that made the resource with this id; None for an unknown one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one side lists."""

    backend: str
    body: bytes


_Id = int | str
_Record = tuple[_Id, msgspec.Raw]
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Merger:
    """Merges the lists of one collection."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def merge(self, parts: Sequence[Part]) -> bytes:
        """One list of all that the parts hold, each resource once.

        Args:
            parts: At least one; where nobody is known to have made a resource, the first that
                lists it has it.

        Raises:
            NotAListError: A part is no JSON array of records with an id each, a number or text.
        """
        listed = [self._records(part) for part in parts]
        kept = self._without_copies(parts, listed)
        if self._recipe.order != "as_listed":
            kept.sort(key=_by_id, reverse=self._recipe.order == "descending")
        opening, between, closing = _style(parts, listed)
        return opening + between.join([raw for _, raw in kept]) + closing

    def _records(self, part: Part) -> list[_Record]:
        try:
            raws = _RAWS.decode(part.body)
        except _FAULTS:
            raise NotAListError(part.backend, "not a JSON array") from None
        try:
            found = self._ids.decode(part.body)
        except _FAULTS:
            path = ".".join(("$", *self._recipe.id))
            raise NotAListError(part.backend, f"a record without {path}") from None
        for _ in self._recipe.id:
            found = [record.held for record in found]
        return list(zip(found, raws, strict=True))

    @cached_property
    def _ids(self) -> msgspec.json.Decoder[list[Any]]:
        """Reads every record's id and skips all else."""
        kind: Any = int | str
        for key in reversed(self._recipe.id):
            kind = msgspec.defstruct("Holder", [("held", kind)], rename={"held": key})
        return msgspec.json.Decoder(list[kind])

    def _without_copies(
        self, parts: Sequence[Part], listed: Sequence[Sequence[_Record]]
    ) -> list[_Record]:
        holder: dict[str, str] = {}
        owner_of, kept = self._recipe.owner_of, []
        for part, records in zip(parts, listed, strict=True):
            backend = part.backend
            for record in records:
                text = str(record[0])
                held = holder.get(text)
                if held is None:
                    held = holder[text] = owner_of(text.encode()) or backend
                if held == backend:
                    kept.append(record)
        return kept


def _by_id(record: _Record) -> tuple[bool, int, str]:
    """Numbers by value, then text by its characters."""
    id_ = record[0]
    return (True, 0, id_) if isinstance(id_, str) else (False, id_, "")


def _style(
    parts: Sequence[Part], listed: Sequence[Sequence[_Record]]
) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind the records, as the first part that shows it has it.

    Of a list with one record, what stands before it shows what would stand between two.
    """
    pairs = list(zip(parts, listed, strict=True))
    part, records = next(((p, r) for p, r in pairs if r), pairs[0])
    inner = part.body.rstrip(_WHITE)[:-1].rstrip(_WHITE)
    opening, closing = part.body[: _start(part, records)], part.body[len(inner) :]
    between = b"," + opening.lstrip(_WHITE)[1:]
    for part, records in pairs:
        if len(records) > 1:
            behind = part.body[_start(part, records) + len(bytes(records[0][1])) :]
            between = behind[: behind.index(bytes(records[1][1]))]
            break
    return opening, between, closing


def _start(part: Part, records: Sequence[_Record]) -> int:
    """Where the first record begins, or could: nothing but white space and ``[`` is before it."""
    behind = part.body.index(b"[") + 1
    return part.body.index(bytes(records[0][1]), behind) if records else behind
