"""What `figueira explain` answers, as data: the decision, who made it, and what else was looked at.

The field names are the keys of ``--json``.
"""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from gateway.cli.question import Asked
from gateway.proxy.merging import QUERY_REFUSED
from gateway.routing.decide import Forward, Reason, Reply
from gateway.routing.explain import explain
from gateway.routing.ids import number_of
from gateway.routing.snapshot import Match, Owner
from gateway.routing.table import Unmet
from gateway.wire.inbound import BadRequest
from gateway.wire.list_answer import ListRequest
from gateway.wire.messages import RequestHead


class Considered(msgspec.Struct, omit_defaults=True):
    """One match of a route."""

    route: str
    match: str
    taken: bool
    unmet: Unmet | None = None
    """The first condition that failed; absent from the match taken, and from those behind it that
    would have matched as well."""


class Answer(msgspec.Struct, omit_defaults=True):
    """The explanation; what does not apply is left out."""

    considered: list[Considered]
    """Every match of every route, in order of precedence; none where the head is refused."""
    status: int | None = None
    """Where the gateway answers itself."""
    title: str = ""
    detail: str = ""
    route: str = ""
    backend: str = ""
    """Absent where only a draw can decide."""
    reason: str = ""
    """As in access lines: `gateway.routing.decide.Reason`."""
    why: str = ""
    """The reason in words."""
    bucket: int | None = None
    chances: dict[str, float] = {}
    """Backend -> percent, where only a draw can decide."""
    client_ip: str = ""
    """The customer's address, after ``trust.proxies`` has been applied."""
    ignored: list[str] = []
    """Why headers that were given are not read."""


def refused(refusal: BadRequest) -> Answer:
    """The answer where the gateway refuses the head itself."""
    return Answer([], refusal.status, refusal.title, refusal.detail)


def answer(asked: Asked, draw: float | None) -> Answer:
    """Decide, and say why; `draw` in [0, 1), None to say which shares a draw would choose from."""
    explanation = explain(asked.table, asked.head, draw or 0.0)
    decision = explanation.decision
    result = Answer(
        [
            Considered(item.route, describe_match(item.match), item.taken, item.unmet)
            for item in explanation.considered
        ],
        client_ip=asked.head.client_ip,
        ignored=list(asked.ignored),
    )
    if isinstance(decision, Reply):
        result.status, result.title = decision.status, decision.title
        result.detail = decision.detail
        return result
    result.route, result.reason = decision.route.name, decision.reason
    if decision.reason == Reason.DRAW and draw is None:
        result.chances = {s.backend: s.percent for s in decision.route.shares if s.start < s.end}
        result.why = _why_drawn(decision)
        return result
    unlisted = _unlisted(decision, asked.head)
    if unlisted:
        return msgspec.structs.replace(result, status=400, title="Bad Request", detail=unlisted)
    result.backend, result.bucket = decision.backend, decision.bucket
    result.why = _why(decision, asked.head.client_ip)
    return result


def _unlisted(decision: Forward, head: RequestHead) -> str:
    """Why a merged list cannot be asked for with this query; empty where it can."""
    owner = decision.route.owner
    if owner is None or owner.merge is None or decision.backend != owner.merged:
        return ""
    allowed = owner.merge.query
    request = ListRequest(
        method=head.method,
        target=b"?" + head.query,
        lines=(),
        accept=b"",
        if_match=None,
        if_none_match=None,
        has_body=False,
    )
    if not request.unlisted(allowed):
        return ""
    return f"{QUERY_REFUSED} (owner.lists.query allows {', '.join(allowed or ()) or 'none'})"


def _why_drawn(decision: Forward) -> str:
    sources = ", ".join(map(str, decision.route.sticky))
    carried = f"it carries none of {sources}" if sources else "the route has no sticky"
    return f"{carried}: each such request is drawn anew"


_IN_WORDS = {
    Reason.BACKEND: "the route has one backend",
    Reason.FALLBACK: "the backend decided on is unavailable",
    Reason.SECOND_LOOK: "the backend for unknown ids does not have it",
    Reason.MOVED: "the backend decided on is out of service",
}


def _why(decision: Forward, client_ip: str) -> str:
    detail = decision.detail
    match decision.reason:
        case Reason.BACKEND | Reason.FALLBACK | Reason.SECOND_LOOK | Reason.MOVED:
            return _IN_WORDS[decision.reason]
        case Reason.OWNER | Reason.OWNER_LIST:
            return f"{_why_owner(decision)}; the split is for new resources"
        case Reason.OWNER_UNKNOWN:
            return f"{_why_owner(decision)} (owner.unknown){_looked_for(decision.route.owner)}"
        case Reason.PIN:
            return "X-Figueira-Backend asks for it, from somebody who may"
        case Reason.STICKY:
            source = f"{detail} {client_ip}" if detail == "client_ip" else detail
            return f"{source} gives {_bucket(decision)}"
        case Reason.DRAW:
            return f"the draw gives {_bucket(decision)}"


def _looked_for(owner: Owner | None) -> str:
    """Who else is asked for an unknown id."""
    if owner is None or owner.second_look is None:
        return ""
    return f"; a safe method that misses it there asks {owner.second_look} too (owner.second_look)"


def _why_owner(decision: Forward) -> str:
    detail, owner = decision.detail, decision.route.owner
    if decision.reason == Reason.OWNER:
        return f"id {detail} {_owned(detail, owner)}"
    if decision.reason == Reason.OWNER_UNKNOWN:
        others = " and has no known prefix" if owner and owner.prefixes else ""
        return f"id {detail!r} lies in no range{others}"
    if owner is not None and owner.merge is not None and decision.backend == owner.merged:
        return "their lists become one (owner.lists: merge)"
    return "it answers for the collection (owner.lists)"


def _owned(text: str, owner: Owner | None) -> str:
    """How an id that has an owner says whose it is."""
    number = number_of(text.encode())
    for one in owner.ranges if owner else ():
        if number is not None and one.first <= number and (one.last is None or number <= one.last):
            return f"lies in its range {one.first}..{'' if one.last is None else one.last}"
    plain = unquote(text)
    begins = [
        one.prefix for one in (owner.prefixes if owner else ()) if plain.startswith(one.prefix)
    ]
    return f"begins with its prefix {begins[0]}"


def _bucket(decision: Forward) -> str:
    share = next(s for s in decision.route.shares if s.backend == decision.backend)
    last = share.end - 1
    return f"bucket {decision.bucket}; its share is {share.start}..{last} ({share.percent:g} %)"


def describe_match(match: Match) -> str:
    """A match in a few words: ``path_prefix /images, methods GET|POST``."""
    paths = {
        "path": match.path,
        "path_regex": match.path_regex,
        "path_prefix": match.path_prefix,
    }
    parts = [f"{kind} {path}" for kind, path in paths.items() if path is not None]
    if match.hosts:
        parts.append(f"hosts {'|'.join(match.hosts)}")
    if match.methods:
        parts.append(f"methods {'|'.join(match.methods)}")
    parts += [f"header {name}: {value}" for name, value in match.headers]
    parts += [f"query {key}={value}" for key, value in match.query]
    return ", ".join(parts)
