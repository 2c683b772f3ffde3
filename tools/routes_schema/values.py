"""How single values look to a schema: by the parser that reads them.

A schema is looser than the parser wherever it cannot be as strict; it never refuses what the parser
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from gateway.config import (
    egress_spec,
    hosts,
    ids,
    leaving,
    paths,
    patterns,
    protection,
    run_spec,
    spec,
    strict,
    trials,
    units,
    urls,
)

Schema = dict[str, Any]
"""JSON."""

_NAME = "^[a-z][a-z0-9_-]{0,62}$"
_TOKEN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"  # noqa: S105 - no secret, a word of the grammar
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PLAIN_ESCAPE = "2[DEF]|3[0-9B]|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AEF]|[01]"
"""What needs no escape, what backends disagree on, and controls."""
_SEGMENTS = f"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%(?!{_PLAIN_ESCAPE})[0-9A-F]{{2}})*"
_PATH = rf"(?!.*//)(?!.*/\.\.?(?:/|$)){_SEGMENTS}"
_TARGET = rf"(?![^?]*//)(?![^?]*/\.\.?(?:[/?]|$)){_SEGMENTS}(?:\?[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*)?"
_NO_SLASH_AT_THE_END = "(?!.+/$)"
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"^(?:\*\.)?{_LABEL}(?:\.{_LABEL})*$|^\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?$"
_REFERENCE = {"pattern": r"\$\{"}
_URL = (
    r"^(?:[Hh][Tt][Tt][Pp][Ss]?://(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\s]+)(?::[0-9]{1,5})?"
    "|unix:/(?!/).*)$"
)
_ID = "(?:0|[1-9][0-9]{0,18})"
_LITERAL = r"(?!.*\$\{)"
"""Text that requests are compared with: nothing is filled in there."""


def _text(**rules: object) -> Schema:
    return {"type": "string", **rules}


def _matching(pattern: str, words: str, **rules: object) -> Schema:
    """Text of some form; editors show the words in place of the pattern."""
    return _text(pattern=pattern, patternErrorMessage=words, **rules)


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _number(least: int, most: int, *, is_above: bool = False) -> Schema:
    return {"type": "number", "exclusiveMinimum" if is_above else "minimum": least, "maximum": most}


def _any_case(word: str) -> str:
    """A pattern of a word, whatever its case."""
    return "".join(f"[{each.upper()}{each}]" if each.isalpha() else each for each in word)


def _share(condition: str = "") -> Schema:
    """Percent, at most 100."""
    return _matching(
        rf"^{condition}(?:100(?:\.0{{1,3}})?|0?[0-9]{{1,2}}(?:\.[0-9]{{1,3}})?)%$",
        "A share with its unit: 50% or 0.5%.",
        examples=["50%"],
    )


_DURATION = _matching(
    r"^(?!0+(?:\.0+)?[a-z])[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|s|m)$",
    "A number with its unit: 250ms, 1.5s or 2m.",
    examples=["250ms", "1.5s", "2m"],
)

_VARIABLE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}$"
VALUES: Mapping[Callable[..., Any], Schema] = {
    units.version: {"type": "integer", "enum": [units.VERSION]},
    units.text: _text(),
    units.name: _matching(
        _NAME, "A lower-case letter, then up to 62 of: lower-case letters, digits, _ and -."
    ),
    units.duration_s: _DURATION,
    units.connections: _whole(1, units.MOST_CONNECTIONS),
    units.waiting: _whole(0, units.MOST_CONNECTIONS),
    protection.probe_path: _matching(
        f"^{_TARGET}$", "A canonical path, perhaps with a query.", examples=["/readyz"]
    ),
    protection.window_s: _DURATION,
    protection.threshold: _whole(1, protection.MOST_IN_A_ROW),
    protection.min_requests: _whole(1, protection.MOST_OUTCOMES),
    protection.share: _share(r"(?!0+(?:\.0+)?%)"),
    units.share_percent: _share(),
    protection.json_path: _matching(
        r"^\$", "A path from the root of the body, $.", examples=["$.error"]
    ),
    protection.json_value: {"type": ["string", "number", "boolean"]},
    protection.final_status: _whole(protection.FIRST_STATUS, protection.LAST_STATUS),
    protection.error_status: _whole(protection.FIRST_ERROR, protection.LAST_STATUS),
    protection.occasion: {"enum": [protection.UNAVAILABLE]},
    units.weight: {
        "anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"enum": [units.REST]}],
        "examples": [0, 5, units.REST],
    },
    units.span: _matching(
        rf"^{_ID}\.\.{_ID}?$", "A range: 1..1000 or 1001..", examples=["1..1000", "1001.."]
    ),
    units.cidr: _matching(
        r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$", "A network: 10.0.0.0/8.", examples=["10.0.0.0/8"]
    ),
    units.method: {
        "anyOf": [{"enum": _METHODS}, _text(pattern="^[!#$%&'*+.^_`|~0-9A-Z-]+$")],
    },
    units.token: _matching(_TOKEN, "Letters, digits and any of !#$%&'*+-.^_`|~."),
    units.field_value: _matching(
        rf"^{_LITERAL}(?:[!-~](?:[ -~]*[!-~])?)?$",
        "Printable ASCII, without space at either end; nothing is filled in.",
    ),
    units.query_key: _matching(f"^{_LITERAL}", "Nothing is filled in here.", minLength=1),
    units.query_text: _matching(f"^{_LITERAL}", "Nothing is filled in here."),
    units.order: {"enum": list(get_args(units.Order))},
    ids.id_prefix: _matching(
        r"^[A-Za-z0-9_~-][A-Za-z0-9._~:-]{0,62}$",
        "Letters, digits, _ - ~ and, behind the first, : and .",
        examples=["img_"],
    ),
    ids.json_keys: _matching(
        r"^\$(?:\.[A-Za-z_][A-Za-z0-9_-]{0,62}){1,8}$",
        "A path: $.id or $.image.id",
        examples=["$.id"],
    ),
    urls.host_name: _text(minLength=1, maxLength=253),
    paths.exact: _matching(f"^{_PATH}$", "A canonical path: it starts with /."),
    paths.prefix: _matching(
        f"^{_NO_SLASH_AT_THE_END}{_PATH}$",
        "A canonical path of whole segments: no slash at its end.",
    ),
    paths.collection: _matching(
        r"^/.+/\{id\}$", "Exactly one {id}, as the last segment.", examples=["/images/{id}"]
    ),
    patterns.pattern: _matching(
        "^[ -~]+$",
        "A regular expression of paths, which are ASCII.",
        minLength=1,
        maxLength=patterns.LONGEST,
        examples=["/images/[0-9]+/thumbnail"],
    ),
    hosts.condition: _matching(
        _HOST,
        "A host without port, or *. and a host.",
        examples=["shop.example", "*.shop.example"],
    ),
    spec._endpoint: _text(  # noqa: SLF001 - the function marks the value
        anyOf=[{"pattern": _URL, "patternErrorMessage": "A URL without a path."}, _REFERENCE],
        examples=["http://127.0.0.1:8001", "${LEGACY_URL:-http://127.0.0.1:8001}", "unix:/run/x"],
    ),
    leaving.listen: _matching(
        r"^(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:/]+):[0-9]{1,5}$",
        "A host and a port: 127.0.0.1:9010.",
        examples=["127.0.0.1:9010"],
    ),
    leaving.prefix: _matching(
        f"^(?!/$){_NO_SLASH_AT_THE_END}{_PATH}$",
        "A canonical path of whole segments: no slash at its end.",
        examples=["/legacy/v1"],
    ),
    leaving.unmatched: _whole(0, leaving.MOST_UNMATCHED),
    egress_spec._collaborator: _text(  # noqa: SLF001 - the function marks the value
        minLength=1, examples=["https://api.openai.com/v1"]
    ),
    trials.share_buckets: _share(r"(?!0+(?:\.0+)?%)"),
    trials.rate: _share(r"(?!0+(?:\.0+)?%)(?!100)"),
    trials.part: _share(),
    trials.confidence: _share("(?![0-4]?[0-9](?:[.%]))(?!100)"),
    trials.per_second: _number(0, trials.MOST_PER_SECOND, is_above=True),
    trials.per_day: _whole(1, trials.MOST_PER_DAY),
    trials.in_flight: _whole(1, trials.MOST_IN_FLIGHT),
    trials.ratio: _number(1, trials.MOST_RATIO),
    trials.absolute: _number(0, 10**18, is_above=True),
    trials.distance: _number(0, 1),
    trials.truth: {"type": "boolean"},
    trials.writes: {"enum": list(trials.WRITES)},
    trials.normaliser: {"enum": list(trials.NORMALISERS)},
    trials.looks: {"enum": list(trials.LOOKS)},
    trials.json_place: _matching(
        r"^\$.", "A path from the root of the body, $.", examples=["$.created_at"]
    ),
    trials.html_place: _matching(
        r"^/[A-Za-z]", "Elements from the root.", examples=["/html/body/form/input/@value"]
    ),
    trials.because: _text(minLength=1),
    trials.until: _matching(
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", 'A date, quoted: "2027-06-30".', examples=["2027-06-30"]
    ),
    trials.header_name: _matching(
        f"^(?!(?:{'|'.join(sorted(map(_any_case, trials.OURS)))})$){_TOKEN[1:]}",
        "A header of your own; how a message crosses is the gateway's business.",
    ),
    run_spec._secret: _matching(  # noqa: SLF001 - as above
        _VARIABLE, "A variable of the environment: ${NAME}.", examples=["${IMAGE_GATEWAY_SECRET}"]
    ),
    run_spec._header_value: _text(minLength=1, examples=["${API_KEY}"]),  # noqa: SLF001 - as above
    spec._certificates: _text(minLength=1),  # noqa: SLF001 - as above
    spec._secret: _matching(  # noqa: SLF001 - as above
        _VARIABLE,
        "A variable of the environment: ${NAME}.",
        examples=["${FIGUEIRA_PIN_SECRET}"],
    ),
}
"""The parsers of values."""


DURATIONS: frozenset[Callable[..., Any]] = frozenset({units.duration_s, protection.window_s})
"""Parsers of what is written with a unit and held in seconds."""


def _one_or_many(many: Schema) -> Schema:
    return {"anyOf": [many["items"], many]}


def _lists(mapping: Schema) -> Schema:
    names = _text(examples=[spec.MERGE])
    return {"anyOf": [names, mapping]}


def _one_of(*keys: str) -> Schema:
    return {"oneOf": [{"required": [key]} for key in keys]}


def _sticky(item: Schema) -> Schema:
    return {"anyOf": [{"enum": ["client_ip"]}, item]}


AROUND: Mapping[Callable[..., Any], Callable[[Schema], Schema]] = {
    spec._one_or_many: _one_or_many,  # noqa: SLF001 - the function marks the value
    spec._one_or_more: _one_or_many,  # noqa: SLF001 - as above
    spec._lists: _lists,  # noqa: SLF001 - as above
    spec._sticky: _sticky,  # noqa: SLF001 - as above
    strict.written: lambda inner: inner,
}
"""What stands before a mapping or a list is read."""

RULES: Mapping[type[strict.Spec], Schema] = {
    spec.MatchSpec: _one_of("path", "path_regex", "path_prefix"),
    spec.BackendSpec: _one_of("url", "urls"),
    spec.StickySpec: _one_of("header", "cookie"),
    run_spec.IgnoreSpec: _one_of("json", "html", "header"),
    run_spec.NormaliseSpec: _one_of("json", "header"),
    run_spec.TolerateSpec: {
        **_one_of("json", "header"),
        "anyOf": [{"required": ["absolute"]}, {"required": ["relative"]}],
    },
    spec.OwnerSpec: {"anyOf": [{"required": ["ranges"]}, {"required": ["prefixes"]}]},
    spec.RouteSpec: {
        **_one_of("backend", "split"),
        "dependencies": {"sticky": ["split"], "owner": ["split"]},
    },
}
"""What holds between the keys of one mapping."""
