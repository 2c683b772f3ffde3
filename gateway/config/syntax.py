"""libyaml's syntax errors in an operator's words."""

from __future__ import annotations

import re
from typing import Protocol

import yaml

from gateway.config.report import Place
from gateway.config.slips import in_line
from gateway.config.source import problem_at
from gateway.config.wording import quoted, shorten
from gateway.errors import ConfigError

_TAB = "found character that cannot start any token"
_NEVER_CLOSED = frozenset({"found unexpected end of stream", "found unexpected document indicator"})

# libyaml's text -> (message, hint)
_WORDS = {
    "mapping values are not allowed in this context": (
        'a ":" where no key can be',
        "check the indentation of this line and the one before; quote a value that contains ': '",
    ),
    "could not find expected ':'": ('this line has no ":"', "write it as key: value"),
    "did not find expected key": (
        "this does not continue what came before",
        "check the indentation, and for text after a closing quote or bracket",
    ),
    "did not find expected '-' indicator": (
        'a list item must begin with "- "',
        "check the indentation of this line",
    ),
    "block sequence entries are not allowed in this context": (
        'a "- " where no list can be',
        "put the list on the next line",
    ),
    "did not find expected ',' or ']'": (
        'a "," or "]" is missing before this',
        "close the list, and quote a value that contains [ ] { } or ,",
    ),
    "did not find expected ',' or '}'": (
        'a "," or "}" is missing before this',
        "close the mapping, and quote a value that contains [ ] { } or ,",
    ),
    "did not find expected node content": (
        "a value is missing here, or a bracket is never closed",
        'quote a value that begins with ":", "[" or "{"',
    ),
    "found a tab character where an indentation space is expected": (
        "a tab cannot indent",
        "use spaces",
    ),
    "found unknown escape character": (
        'unknown escape in a text in double quotes, where "\\" has a meaning',
        "use single quotes",
    ),
    "did not find expected <document start>": (
        "this does not continue what came before",
        "check the indentation: keys of one mapping begin in one column",
    ),
}


class Mark(Protocol):
    """A place as libyaml counts it: from 0."""

    line: int
    column: int


def place(mark: Mark | None) -> Place:
    """A mark of libyaml as line and column; it leaves none out, though the types allow it."""
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def in_plain_words(error: yaml.YAMLError, text: str) -> ConfigError:
    """The one problem that a syntax error makes; what follows it cannot be judged."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return problem_at((1, 1), "this is not YAML")
    problem = error.problem or ""
    if problem in _NEVER_CLOSED and error.context_mark is not None:
        return problem_at(place(error.context_mark), "this quote is never closed")
    if problem == _TAB:
        return problem_at(place(error.problem_mark), *_bad_start(text, error.problem_mark.index))
    slip = _slip(text, error.problem_mark.line)
    if slip is not None:
        return slip
    message, hint = _WORDS.get(problem, (f"this is not YAML: {shorten(problem)}", ""))
    if error.context_mark is not None and "," in problem:
        line, column = place(error.context_mark)
        message += f"; it opens at line {line}, column {column}"
    return problem_at(place(error.problem_mark), message, hint)


def _slip(text: str, line: int) -> ConfigError | None:
    """A missing space in the line at fault, or in the one before it: YAML notices one too late."""
    lines = re.split(r"\r\n|\r|\n", text)[: line + 1]
    written = [
        (number, content)
        for number, content in enumerate(lines, 1)
        if content.strip() and not content.lstrip().startswith("#")
    ]
    for number, content in reversed(written[-2:]):
        found = in_line(content)
        if found is not None:
            index, message, hint = found
            return problem_at((number, index + 1), message, hint)
    return None


def _bad_start(text: str, index: int) -> tuple[str, str]:
    character = text[index : index + 1]
    if character == "\t":
        return "a tab cannot indent", "use spaces"
    return f"a value cannot begin with {quoted(character)}", "quote the value"
