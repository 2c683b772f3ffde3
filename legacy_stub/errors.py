"""The one failure an operator meets: the monolith cannot start."""

from __future__ import annotations


class StartError(Exception):
    """The monolith cannot start; printed as one line.

    Attributes:
        where: The setting or resource that is at fault, as the operator knows it.
        why: What is wrong with it, with the offending value.
        remedy: What to do about it, as an instruction.
    """

    def __init__(self, *, where: str, why: str, remedy: str) -> None:
        super().__init__(where, why, remedy)
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.why}; {self.remedy}"
