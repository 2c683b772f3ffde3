"""`figueira explain`: a decision with its reasons, for people or as JSON."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.config import load
from gateway.control.file import read_config
from gateway.errors import ConfigError
from gateway.routing.decide import Forward, Reason, Reply
from gateway.routing.explain import Considered, Explanation
from gateway.routing.explain import explain as explain_decision
from gateway.routing.snapshot import BUCKETS, Match, Route
from gateway.routing.table import Table
from gateway.wire.request import BadRequest, Inbound, read_request

_WHY = {
    Reason.BACKEND: "the route has one backend",
    Reason.OWNER: "it made the resource {detail}, and so serves it whatever the split says",
    Reason.OWNER_UNKNOWN: "the id {detail} lies in no range (owner.unknown)",
    Reason.OWNER_LIST: "it answers for the collection (owner.lists)",
    Reason.STICKY: "{detail} puts this customer in bucket {bucket}",
    Reason.DRAW: "no sticky value is there, and the draw gave bucket {bucket}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The request to explain."""

    method: str
    target: str
    headers: tuple[str, ...]
    """``Name: value`` each."""
    client_ip: str
    draw: float | None
    """None: say which shares a draw would choose from."""


class Answer(msgspec.Struct, omit_defaults=True):
    """The explanation as JSON."""

    considered: list[dict[str, object]]
    status: int | None = None
    """Where the gateway answers itself."""
    detail: str = ""
    route: str = ""
    backend: str = ""
    reason: str = ""
    why: str = ""
    bucket: int | None = None
    chances: dict[str, float] | None = None
    """Backend -> percent, where only a draw can decide."""


def explain(config: Path, question: Question, *, as_json: bool) -> int:
    """Explain a decision.

    Returns:
        The exit code: 0 if the request would be forwarded, 1 if it would be refused or the file
        cannot be used, 2 if the question cannot be understood.
    """
    try:
        table = Table(load(read_config(config), os.environ))
        inbound = _read(question, table)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(problem.describe(str(config)) + "\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"figueira: error: {error}\n")
        return 2
    except BadRequest as refusal:
        sys.stdout.write(f"refused: {refusal.status} {refusal.title}: {refusal.detail}\n")
        return 1
    explanation = explain_decision(table, inbound.head, question.draw or 0.0)
    answer = _answer(explanation, is_drawn=question.draw is not None)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
    else:
        sys.stdout.write(_text(question, explanation, answer))
    return 1 if answer.status else 0


def _read(question: Question, table: Table) -> Inbound:
    """The question as the gateway would read it from the wire.

    Raises:
        ValueError: A header is not ``Name: value``, or the draw is out of range.
        BadRequest: The gateway would refuse such a head.
    """
    if question.draw is not None and not 0 <= question.draw < 1:
        raise ValueError(
            f"--draw {question.draw:g} is out of range: give 0 up to, not including, 1"
        )
    headers = [_header(line) for line in question.headers]
    if not any(name.lower() == b"host" for name, _ in headers):
        headers.append((b"Host", b"localhost"))
    inbound = read_request(
        question.method.encode(), question.target.encode(), "1.1", headers, table.header_names
    )
    inbound.head.client_ip = question.client_ip
    return inbound


def _header(line: str) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"-H {line!r} is not a header: write 'Name: value'")
    return name.strip().encode(), value.strip().encode()


def _answer(explanation: Explanation, *, is_drawn: bool) -> Answer:
    considered = [_considered(item) for item in explanation.considered]
    decision = explanation.decision
    if isinstance(decision, Reply):
        return Answer(considered, status=decision.status, detail=decision.detail)
    answer = Answer(considered, route=decision.route.name, reason=decision.reason.value)
    if decision.reason is Reason.DRAW and not is_drawn:
        answer.why = "no sticky value is there: each request draws anew"
        answer.chances = _chances(decision.route)
        return answer
    answer.backend, answer.bucket = decision.backend, decision.bucket
    answer.why = _why(decision)
    return answer


def _why(decision: Forward) -> str:
    return _WHY[decision.reason].format(detail=decision.detail or "''", bucket=decision.bucket)


def _chances(route: Route) -> dict[str, float]:
    return {s.backend: round((s.end - s.start) * 100 / BUCKETS, 3) for s in route.shares}


def _considered(item: Considered) -> dict[str, object]:
    said: dict[str, object] = {"route": item.route, "match": describe_match(item.match)}
    said["taken"] = item.taken
    if item.unmet is not None:
        unmet = item.unmet
        said["unmet"] = {"condition": unmet.condition, "wanted": unmet.wanted, "got": unmet.got}
    return said


def describe_match(match: Match) -> str:
    """A match in a few words: ``path_prefix /images, methods GET|POST``."""
    parts = [f"path {match.path}" if match.path is not None else f"path_prefix {match.path_prefix}"]
    if match.methods:
        parts.append(f"methods {'|'.join(match.methods)}")
    parts += [f"header {name}: {value}" for name, value in match.headers]
    parts += [f"query {key}={value}" for key, value in match.query]
    return ", ".join(parts)


def _text(question: Question, explanation: Explanation, answer: Answer) -> str:
    lines = [f"{question.method} {question.target}", "", "routes, in order of precedence:"]
    for item in explanation.considered:
        mark = "->" if item.taken else "  "
        lines.append(f" {mark} {item.route:<20} {describe_match(item.match)}{_verdict(item)}")
    return "\n".join([*lines, "", *_result(answer)]) + "\n"


def _verdict(item: Considered) -> str:
    if item.taken:
        return "   taken"
    if item.unmet is None:
        return "   would match too; an earlier one is taken"
    got = "nothing" if item.unmet.got is None else repr(item.unmet.got)
    return f"   no: {item.unmet.condition} is {got}"


def _result(answer: Answer) -> list[str]:
    if answer.status is not None:
        return [f"answered by the gateway itself: {answer.status}: {answer.detail}"]
    if answer.chances is not None:
        shares = ", ".join(f"{name} {percent:g} %" for name, percent in answer.chances.items())
        return [f"route    {answer.route}", f"backend  {shares}", f"because  {answer.why}"]
    result = [f"route    {answer.route}", f"backend  {answer.backend}", f"because  {answer.why}"]
    if answer.bucket is not None:
        result.append(f"bucket   {answer.bucket} of {BUCKETS:,}")
    return result
