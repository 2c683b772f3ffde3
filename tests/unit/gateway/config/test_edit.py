"""A surgical edit means what a full rewrite means, and touches no other character."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import load
from gateway.config.edit import set_weights
from gateway.config.layout import Weight
from gateway.config.units import REST, percent
from gateway.config.weights import new_weights
from gateway.config.wording import Refusal
from gateway.errors import ConfigError
from gateway.routing.snapshot import BUCKETS, Snapshot
from tests.unit.gateway.config.test_loading import SHIPPED

HEAD = """\
version: 1
backends: {legacy: {url: "http://a"}, image_service: {url: "http://b"}, spare: {url: "http://c"}}
routes:
"""
LAST = "  - {name: rest, match: {path_prefix: /}, backend: legacy}\n"
ONE = f"{HEAD}  - {{name: images, match: {{path_prefix: /i}}, split: SPLIT}}\n{LAST}"

spaces = st.text(" ", min_size=1, max_size=3)
comments = st.one_of(
    st.just(""),
    st.text("ab1é中ж🦆 \u00a0\u2003#:,-?'\"{}[]&*!|>%@`", max_size=12).map(
        lambda words: f" # {words}"
    ),
)
numbers = st.integers(0, BUCKETS)


def _fillers() -> st.SearchStrategy[list[str]]:
    """Lines that mean nothing."""
    line = st.one_of(
        st.just(""), st.just("   "), comments.map(str.strip), st.just("# split: {a: 1, b: 2}")
    )
    return st.lists(line, max_size=3)


def _spelt(draw: st.DrawFn, buckets: Weight) -> str:
    """A weight in one of its spellings."""
    if buckets == REST:
        return draw(st.sampled_from(["rest", "'rest'", '"rest"']))
    plain = percent(buckets)
    zeros = "0" * draw(st.integers(0, 3 - len(plain.partition(".")[2])))
    if not zeros:
        return plain
    return f"{plain}{zeros}" if "." in plain else f"{plain}.{zeros}"


def _key(draw: st.DrawFn, name: str) -> str:
    return draw(st.sampled_from([name, f"'{name}'", f'"{name}"']))


def _flow(draw: st.DrawFn, holes: list[tuple[str, str]], end: str) -> str:
    """``{a: 1, b: rest}``, on one line or several."""
    gap = draw(st.sampled_from(["", " ", f"{end}      ", f"  # é 🦆{end}       "]))
    items = [f"{_key(draw, name)}:{draw(spaces)}{hole}" for name, hole in holes]
    comma = draw(st.sampled_from([", ", " ,", ",", f",{end}        "]))
    close = draw(st.sampled_from(["}", " }", ", }"]))
    return f"    split:{draw(spaces)}{{{gap}{comma.join(items)}{close}{draw(comments)}"


def _block(draw: st.DrawFn, holes: list[tuple[str, str]], end: str) -> str:
    """One line a backend, in one column."""
    indent = draw(st.sampled_from(["      ", "         "]))
    lines = [f"    split:{draw(comments)}"]
    for name, hole in holes:
        lines += draw(_fillers())
        before = draw(st.sampled_from([" ", "   ", f"{end}{indent}   "]))
        lines.append(f"{indent}{_key(draw, name)}:{before}{hole}{draw(comments)}")
    return end.join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An edit."""

    old: bytes
    new: bytes
    """What the file is to become, to the byte."""
    asked: dict[str, Weight]
    after: dict[str, Weight]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A file, what it is asked to become, and what was asked."""
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    names = draw(
        st.lists(
            st.sampled_from(["legacy", "image_service", "spare"]),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    cuts = sorted(draw(numbers) for _ in names[1:])
    split: dict[str, Weight] = {
        name: stop - start
        for name, start, stop in zip(names, [0, *cuts], [*cuts, BUCKETS], strict=True)
    }
    if draw(st.booleans()):
        split[draw(st.sampled_from(names))] = REST
    others = sorted(draw(numbers) for _ in names[1:])
    asked: dict[str, Weight] = {
        name: stop - start
        for name, start, stop in zip(names, [0, *others], [*others, BUCKETS], strict=True)
    }
    after = new_weights(split, asked)
    holes = [(name, f"\0{name}\0") for name in names]
    written = draw(st.sampled_from([_flow, _block]))(draw, holes, end)
    lines = [
        *HEAD.splitlines(),
        *draw(_fillers()),
        f"  - name:{draw(spaces)}images{draw(comments)}",
        *draw(_fillers()),
        f"    match: {{path_prefix: /i}}{draw(comments)}",
        written,
        *draw(_fillers()),
        *LAST.splitlines(),
        *draw(_fillers()),
    ]
    template = draw(st.sampled_from(["", "\ufeff"])) + end.join(lines) + draw(st.just(end))
    old, new = template, template
    for name in names:
        spelling = _spelt(draw, split[name])
        changed = after[name] != split[name]
        old = old.replace(f"\0{name}\0", spelling)
        new = new.replace(f"\0{name}\0", _written(after[name]) if changed else spelling)
    return Case(old=old.encode(), new=new.encode(), asked=asked, after=after)


def _written(buckets: Weight) -> str:
    return REST if buckets == REST else percent(buckets)


def _meaning(text: bytes) -> Snapshot:
    return replace(load(text), digest="")


def _rewritten(after: dict[str, Weight]) -> bytes:
    """The file written anew, all of it, by somebody who knows only what it has to mean."""
    images = {
        "name": "images",
        "match": {"path_prefix": "/i"},
        "split": {
            name: buckets if buckets == REST else _Plain(buckets) for name, buckets in after.items()
        },
    }
    data = {**yaml.safe_load(HEAD), "routes": [images, *yaml.safe_load(LAST)]}
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False).encode()


class _Plain(int):
    """Buckets that are dumped as percent."""


class _Dumper(yaml.SafeDumper):
    """Writes weights as people do."""


def _represent(dumper: yaml.SafeDumper, buckets: _Plain) -> yaml.Node:
    written = percent(buckets)
    kind = "float" if "." in written else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", written)


_Dumper.add_representer(_Plain, _represent)


@settings(max_examples=40)
@given(cases())
def test_an_edit_means_what_a_rewrite_means_and_differs_in_the_weights_alone(
    case: Case,
) -> None:
    """Comments, odd spacing, quotes, flow and block style, line ends, a mark, other scripts."""
    edit = set_weights(case.old, "images", case.asked)
    assert edit.text == case.new
    assert _meaning(edit.text) == _meaning(_rewritten(case.after))
    again = set_weights(edit.text, "images", case.asked)
    assert (again.text, again.replacements) == (edit.text, ())


@settings(max_examples=40)
@given(cases())
def test_an_edit_undone_gives_the_same_bytes_unless_a_number_was_spelt_oddly(
    case: Case,
) -> None:
    edit = set_weights(case.old, "images", case.asked)
    back = set_weights(edit.text, "images", edit.before.weights)
    assert _meaning(back.text) == _meaning(case.old)
    spelt = {replacement.new for replacement in back.replacements}
    if all(replacement.old in spelt for replacement in edit.replacements):
        assert back.text == case.old


def test_the_shipped_file_flips_by_one_number() -> None:
    shipped = SHIPPED.read_bytes()
    edit = set_weights(shipped, "images", {"image_service": 25_000})
    assert edit.text == shipped.replace(b"{image_service: 0,", b"{image_service: 25,")
    (replacement,) = edit.replacements
    assert str(replacement).endswith(": 0 -> 25")
    line = shipped.decode().splitlines()[replacement.line - 1]
    assert line[replacement.column - 1 :].startswith("0, legacy: rest")


def test_both_numbers_of_two_change_and_the_smallest_step_counts() -> None:
    text = ONE.replace("SPLIT", "{legacy: 95, image_service: 5}").encode()
    edit = set_weights(text, "images", {"image_service": 5_001})
    assert b"{legacy: 94.999, image_service: 5.001}" in edit.text
    assert [str(each).partition(": ")[2] for each in edit.replacements] == [
        "95 -> 94.999",
        "5 -> 5.001",
    ]


@pytest.mark.parametrize(
    ("route", "split", "said"),
    [
        ("image", "{legacy: 100}", 'there is no route "image"|did you mean "images"?'),
        (
            "rest",
            "{legacy: 100}",
            'route "rest" has one backend and no split|'
            "write, in place of its backend: split: {legacy: rest, NEW: 0}",
        ),
        ("images", "{leg: 100}", 'backend "legacy" is not in this split|did you mean "leg"?'),
        (
            "images",
            r'{legacy: "\x72est"}',
            "the weight at line 4, column 62 is not written plainly|",
        ),
    ],
    ids=["no-route", "no-split", "no-backend", "escaped"],
)
def test_what_cannot_be_edited_is_refused(route: str, split: str, said: str) -> None:
    asked: dict[str, Weight] = {"legacy": 100_000}
    if "x72" in split:
        split = split.replace("}", ", spare: 0}")
        asked = {"spare": "rest", "legacy": 1_000}
    with pytest.raises(Refusal) as caught:
        set_weights(ONE.replace("SPLIT", split).encode(), route, asked)
    assert f"{caught.value.message}|{caught.value.hint}" == said


def test_a_file_that_is_no_yaml_is_told_where() -> None:
    with pytest.raises(ConfigError, match=r"a tab cannot indent"):
        set_weights(b"version: 1\nroutes:\n\t- x: 1\n", "images", {"legacy": 0})
