"""One order at a time tries a provider whose rest is over; the others wait for what comes of it."""

from __future__ import annotations

from image_service.providers.port import Rest


class Tries:
    """Whose turn it is to try, in one worker."""

    def __init__(self) -> None:
        self._is_trying = False
        self._job_id: str | None = None

    def allowed(self, free: int, rest: Rest | None) -> int:
        """Return how many of so many may be begun; to be followed by ``began`` if that is one."""
        if rest is None:
            return free
        if not rest.may_try or self._is_trying:
            return 0
        self._is_trying = True
        return 1

    def began(self, job_ids: list[str]) -> None:
        """Remember which order tries the provider, if one does."""
        if self._is_trying and self._job_id is None:
            self._job_id = job_ids[0] if job_ids else None
            self._is_trying = bool(job_ids)

    def ended(self, job_id: str) -> None:
        """Let the next one try, if this was the one."""
        if job_id == self._job_id:
            self._job_id, self._is_trying = None, False
