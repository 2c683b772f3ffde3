"""From the raw request target to a handler, the way the original's server and router do.

Starlette's routing sees only a decoded path and would answer several recorded requests otherwise,
so the monolith brings its own. In order:

1. Slashes at the start of the target count as one. Then it is split like a URL: a fragment falls
   away, of ``http://host/path`` the path stays.
2. The path is percent-decoded once; slashes at its start count as one again.
3. A rule matches the whole path, case-sensitively, a trailing slash included.
4. Without a match, runs of slashes are merged and the rules tried once more: a match now is a
   redirect to the merged path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from legacy_stub.flask_style import Answer, HttpError, Request, not_allowed, options, redirect

Handler = Callable[[Request, int], Answer]

# <int> takes any decimal digits, also other scripts', and no sign; a path may hold slashes.
PLACEHOLDERS = {"<int>": r"(\d+)", "<path>": r"[^/].*"}
HOST = re.compile(
    r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::([1-9][0-9]{0,4}))?", re.ASCII | re.IGNORECASE
)
LARGEST_PORT = 65535
# Of the characters quote() would escape, those that stay as they are in a redirect's URL.
PATH_SAFE = "!$&'()*+,/:;=@"
QUERY_SAFE = PATH_SAFE + "%?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One path and the handler of each of its methods.

    Attributes:
        pattern: Matches the whole decoded path; group 1, if there is one, holds the number in it.
        handlers: By method. A handler gets the request and the number, 0 when the path has none.
    """

    pattern: re.Pattern[str]
    handlers: Mapping[str, Handler]

    @property
    def methods(self) -> frozenset[str]:
        """What the path answers to; OPTIONS always, HEAD where there is GET."""
        head = {"HEAD"} if "GET" in self.handlers else set[str]()
        return frozenset({*self.handlers, *head, "OPTIONS"})


def rule(path: str, handlers: Mapping[str, Handler]) -> Rule:
    """Compile a path such as ``/products/<int>``; it may hold one of the placeholders."""
    pattern = re.escape(path)
    for placeholder, expression in PLACEHOLDERS.items():
        pattern = pattern.replace(placeholder, expression)
    return Rule(pattern=re.compile(pattern), handlers=handlers)


def dispatch(rules: Sequence[Rule], request: Request) -> Answer:
    """Answer ``request`` with the first rule that matches it.

    Raises:
        HttpError: 404 when no rule matches, 400 when the target is no URL at all or the host
            cannot be the name of one.
        ValueError: The number in the path has more digits than Python converts.
    """
    target = _split(request.target)
    host = _host(request, target)
    path = "/" + unquote(target.path).lstrip("/")
    found = _find(rules, path)
    if found is not None:
        return _call(*found, request)

    merged = re.sub("/{2,}", "/", path)
    found = _find(rules, merged)
    if found is None:
        raise HttpError(404)
    methods = found[0].methods
    if request.method not in methods:
        return not_allowed(methods)
    url = f"http://{host}{quote(merged, safe=PATH_SAFE)}"
    if not target.query:
        return redirect(url)
    return redirect(f"{url}?{quote(target.query, safe=QUERY_SAFE)}", shown=f"{url}?{target.query}")


def _call(matched: Rule, digits: str, request: Request) -> Answer:
    if request.method not in matched.methods:
        return not_allowed(matched.methods)
    number = int(digits)
    if request.method == "OPTIONS":
        return options(matched.methods)
    method = "GET" if request.method == "HEAD" else request.method
    return matched.handlers[method](request, number)


def _find(rules: Sequence[Rule], path: str) -> tuple[Rule, str] | None:
    """Return the first rule that matches and the digits of the number in ``path``, else 0."""
    for candidate in rules:
        match = candidate.pattern.fullmatch(path)
        if match is not None:
            return candidate, match[1] if match.groups() else "0"
    return None


def _split(target: str) -> SplitResult:
    if target.startswith("//"):
        target = "/" + target.lstrip("/")
    try:
        return urlsplit(target)
    except ValueError as error:
        raise HttpError(400) from error


def _host(request: Request, target: SplitResult) -> str:
    """Return the host to redirect to; empty when the one the customer names is no host name.

    Raises:
        HttpError: 400 when a part of the name is empty or longer than 63 characters.
    """
    named = target.netloc or request.host
    host = (request.server if named is None else named).removesuffix(":80").lower()
    match = HOST.fullmatch(host)
    if match is None or int(match[2] or 1) > LARGEST_PORT:
        return ""
    try:
        host.partition(":")[0].encode("idna")
    except UnicodeError as error:
        raise HttpError(400) from error
    return host
