"""What control learns of a run while it tries: noise, ids, how far the backfill is, strata."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit

import msgspec

from gateway.control.trials.told import Told
from gateway.parallel_run import epoch
from gateway.parallel_run.noise import NoiseBook
from gateway.parallel_run.observation import Answer, Asked
from gateway.parallel_run.plan import ParallelRun
from gateway.parallel_run.strata import Stratum, Templates
from gateway.routing.snapshot import Backend

_MOST_ALIASES = 10_000
_MOST_BOOKS = 400
_LARGE_BYTES = 64 * 1024
_MOST_READ_BYTES = 1024 * 1024
"""Of an answer that is looked into for its id: a millisecond's worth."""
_COMPARED = frozenset({b"accept", b"accept-language", b"content-type", b"range", b"authorization"})
"""Headers by which two requests of one target ask for different things."""
_encoder = msgspec.msgpack.Encoder()


class Known:
    """What is known of one run; it goes on through reloads."""

    def __init__(self) -> None:
        self._books: OrderedDict[tuple[str, Stratum], NoiseBook] = OrderedDict()
        self._templates = Templates()
        self.aliases: OrderedDict[str, str] = OrderedDict()
        """The candidate's id -> the control's."""
        self._candidates: dict[str, str] = {}
        self.build = ""
        """The candidate's, as its last answer named it."""
        self.told = Told()
        """What the candidate says of itself."""

    def book(self, epoch_key: str, stratum: Stratum) -> NoiseBook:
        """What second controls have shown of a stratum in an epoch."""
        key = epoch_key, stratum
        if key not in self._books and len(self._books) >= _MOST_BOOKS:
            self._books.popitem(last=False)
        return self._books.setdefault(key, NoiseBook())

    def stratum(self, asked: Asked, status: int) -> Stratum:
        """The stratum of a request that the control has answered with a status of 0 to 599."""
        path = self._templates.of(path_of(asked))
        return Stratum(asked.method.decode("latin-1"), path, status // 100)

    def stratum_of(self, method: str, template: str, status_class: int) -> Stratum:
        """The same, where a worker has found the template."""
        return Stratum(method, self._templates.of(template), status_class)

    def learn(self, control: Answer, candidate: Answer) -> None:
        """Take note of the ids that both sides gave to what they have created."""
        ids = [_id_of(answer) for answer in (control, candidate)]
        if ids[0] is None or ids[1] is None:
            return
        if len(self.aliases) >= _MOST_ALIASES:
            _, old = self.aliases.popitem(last=False)
            self._candidates.pop(old, None)
        self.aliases[ids[1]] = ids[0]
        self._candidates[ids[0]] = ids[1]

    def target_for_candidate(self, target: bytes) -> bytes:
        """The target with the control's ids in the candidate's words."""
        if not self._candidates:
            return target
        path, mark, query = target.partition(b"?")
        parts = path.decode("latin-1").split("/")
        renamed = [self._candidates.get(part, part) for part in parts]
        return "/".join(renamed).encode("latin-1", "replace") + mark + query

    def aliases_within(self, body: bytes) -> dict[str, str]:
        """Those of ids that occur in a body; all of them if it is too large to be searched here."""
        if len(body) > _LARGE_BYTES:
            return dict(self.aliases)
        return {theirs: ours for theirs, ours in self.aliases.items() if theirs.encode() in body}


def path_of(asked: Asked) -> str:
    """The path that was asked for, undecoded."""
    return asked.target.partition(b"?")[0].decode("latin-1")


def _id_of(answer: Answer) -> str | None:
    if not 200 <= answer.status < 300 or len(answer.body) > _MOST_READ_BYTES:  # noqa: PLR2004 - success
        return None
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    found = body.get("id") if isinstance(body, dict) else None
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    return str(found) if is_id else None


def rules_digest(run: ParallelRun, backends: Mapping[str, Backend]) -> str:
    """What evidence depends on beside the candidate's build."""
    sides = [backends[name].soft_errors for name in (run.control, run.candidate)]
    return epoch.rules_digest(run, [[asdict(each) for each in side] for side in sides])


def fingerprint(asked: Asked) -> str:
    """The same for the same request: of method, target, some headers and body."""
    path, _, query = asked.target.decode("latin-1").partition("?")
    canonical = urlsplit(path)._replace(query="&".join(sorted(query.split("&")))).geturl()
    compared = sorted((n.lower(), v) for n, v in asked.headers if n.lower() in _COMPARED)
    body: object = asked.body
    if len(asked.body) > _LARGE_BYTES:
        # Not copied to be hashed: this much is hashed in another thread, which holds up nobody.
        body = [hashlib.sha256(asked.body).digest(), len(asked.body)]
    parts = [asked.method, canonical, compared, body]
    return hashlib.sha256(_encoder.encode(parts)).hexdigest()[:32]
