"""The page and its picture say what the numbers say."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.chart import Bar, Panel, draw, full_scale
from bench.claims import BEGIN, END, claims, put
from bench.machine import Machine
from bench.report import page, picture, sections
from bench.results import (
    Busy,
    Costs,
    Flips,
    Growth,
    Latencies,
    Measured,
    Memory,
    Results,
    Rounds,
    Workers,
)
from bench.table import median_cell, table
from bench.targets import digits, verdict

_ROOT = Path(__file__).resolve().parents[3]
_MIB = 1024 * 1024
_SVG = "{http://www.w3.org/2000/svg}"


def _costs(ours: Rounds, envoys: Rounds) -> Costs:
    return Costs(
        peers={
            "figueira": Measured(label="Figueira", version="1", features="all"),
            "envoy": Measured(label="Envoy", version="2", features="most"),
        },
        absent={"nginx": "nginx is not on PATH"},
        cpu_us={("get-1k", "figueira"): ours, ("get-1k", "envoy"): envoys},
    )


def _text(results: Results) -> str:
    return "\n".join(sections(results))


def _row(text: str, *, of: str, about: str) -> str:
    """The row that begins with `of` in the table whose heads name `about`."""
    _, _, behind = text.partition(about)
    return next(line for line in behind.splitlines() if line.startswith(f"| {of} "))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2991.4, "2,991"), (100.0, "100"), (36.26, "36.3"), (1.234, "1.23"), (1 / 60, "0.017")],
)
def test_a_number_has_three_digits_or_so(value: float, expected: str) -> None:
    assert digits(value) == expected


def test_a_verdict_says_whether_the_target_is_met() -> None:
    assert verdict(0.75, 0.75) == "0.75 (≤ 0.75, met)"
    assert verdict(0.76, 0.75) == "0.76 (≤ 0.75, **not met**)"
    assert verdict(None, 0.75) == "not measured"


def test_a_near_miss_does_not_look_like_a_hit() -> None:
    assert verdict(1.0004, 1.0) == "1.0004 (≤ 1.00, **not met**)"
    assert verdict(1.004, 1.0) == "1.004 (≤ 1.00, **not met**)"


def test_columns_are_in_line_and_rows_must_fit() -> None:
    text = table(["us", "GET"], [["Envoy", "45.0"], ["nginx", "9"]])
    assert text.splitlines() == [
        "| us    |  GET |",
        "| :---- | ---: |",
        "| Envoy | 45.0 |",
        "| nginx |    9 |",
    ]
    with pytest.raises(ValueError, match="argument 3 is longer"):
        table(["a"], [["b"], ["c", "d"]])


def test_a_cell_holds_the_median_and_the_range_of_the_rounds_that_worked() -> None:
    assert median_cell([30.0, None, 50.0, 40.0]) == "40.0 (30.0 to 50.0)"
    assert median_cell([40.0]) == "40.0"
    assert median_cell([None, None]) == "failed"
    assert median_cell([]) == "failed"


def test_costs_are_set_against_each_peers_target() -> None:
    text = _text(Results(costs=_costs([40.0, 30.0, 36.0], [50.0, 60.0, 48.0])))
    assert "40.0" not in _row(text, of="Envoy", about="Figueira / peer")
    assert "0.75 (≤ 0.75, met)" in _row(text, of="Envoy", about="Figueira / peer")
    assert "36.0 (30.0 to 40.0)" in _row(text, of="Figueira", about="microseconds ")


def test_a_target_that_is_missed_says_so() -> None:
    text = _text(Results(costs=_costs([90.0], [45.0])))
    assert "2.00 (≤ 0.75, **not met**)" in _row(text, of="Envoy", about="Figueira / peer")


def test_a_peer_that_could_not_take_part_has_a_row_and_a_reason() -> None:
    text = _text(Results(costs=_costs([30.0], [45.0])))
    assert "left out" in _row(text, of="nginx", about="microseconds ")
    assert "nginx is not on PATH" in text


def test_a_failed_case_is_neither_hidden_nor_judged() -> None:
    costs = _costs([30.0], [None])
    costs.faults.append("Envoy, GET 1 KiB: connection lost")
    text = _text(Results(costs=costs))
    assert "failed" in _row(text, of="Envoy", about="microseconds ")
    assert "not measured" in _row(text, of="Envoy", about="Figueira / peer")
    assert "connection lost" in text


def test_a_peer_without_a_target_is_shown_all_the_same() -> None:
    costs = _costs([30.0], [45.0])
    costs.peers["haproxy"] = Measured(label="HAProxy", version="3", features="all")
    costs.cpu_us["get-1k", "haproxy"] = [15.0]
    row = _row(_text(Results(costs=costs)), of="HAProxy", about="Figueira / peer")
    assert row.rstrip("| ").endswith(" 2.00")


@pytest.mark.parametrize(("load", "is_slow"), [(0.5, False), (0.97, True)])
def test_an_end_that_held_the_proxies_up_is_named(load: float, is_slow: bool) -> None:
    costs = _costs([30.0], [45.0])
    costs.opened = {"figueira": 0, "envoy": 3}
    costs.busy["get-1k", "figueira"] = [Busy(proxy=1.0, load=0.3, origin=0.2)]
    costs.busy["get-1k", "envoy"] = [Busy(proxy=1.0, load=load, origin=0.2)] * 3
    text = _text(Results(costs=costs))
    assert f"load generator used {load:.0%} of a core at most (GET 1 KiB through Envoy)" in text
    assert ("**the proxy waited for it**" in text) is is_slow
    assert "in the worst round: Figueira 0, Envoy 3." in text


def test_growth_is_judged_at_its_far_end() -> None:
    growth = Growth(of="routes", cpu_us={1: [20.0], 100: [30.0], 1000: [24.0]})
    text = _text(Results(routes=growth))
    assert _row(text, of="100", about="routes ").rstrip("| ").endswith("1.50")
    assert "1.20 (≤ 1.15, **not met**)" in _row(text, of="1,000", about="routes ")


def test_what_the_machine_does_not_allow_is_said() -> None:
    growth = Growth(of="idle connections", cpu_us={10: [1.0], 1000: [1.0]}, skipped={5000: "why"})
    assert "5,000 were left out: why." in _text(Results(idle=growth))


def test_what_was_not_measured_is_not_met_by_something_smaller() -> None:
    growth = Growth(of="idle connections", cpu_us={10: [1.0], 1000: [1.0]}, skipped={5000: "why"})
    assert "met" not in _row(_text(Results(idle=growth)), of="1,000", about="idle")


@pytest.mark.parametrize(
    ("busier", "said"),
    [
        ([0.55], "45% and 55%, at worst 45% and 55% (40% to 60%, met)"),
        ([0.52, 0.64, 0.55], "45% and 55%, at worst 36% and 64% (40% to 60%, met)"),
        ([0.7], "30% and 70%, at worst 30% and 70% (40% to 60%, **not met**)"),
    ],
)
def test_both_workers_shares_must_be_fair(busier: Rounds, said: str) -> None:
    text = _text(Results(workers=Workers(one_us=[20.0], two_us=[21.0], busier_share=busier)))
    assert said in text
    assert "1.05 (≤ 1.10, met)" in text


def test_memory_is_judged_by_what_is_above_idle_and_ours_alone() -> None:
    memory = Memory(
        transfer_mib=1024,
        slow_mib_per_s=128,
        idle_bytes={"Figueira": 100 * _MIB, "Envoy": 60 * _MIB},
        above_bytes={
            ("Figueira", "down, slow reader"): 9 * _MIB,
            ("Figueira", "up, slow origin"): 8 * _MIB,
            ("Envoy", "down, slow reader"): 3 * _MIB,
        },
        faults=["Envoy, up, slow origin: cut"],
    )
    text = _text(Results(memory=memory))
    ours = _row(text, of="Figueira", about="MiB above")
    assert "100 | 9.00 (≤ 8.00, **not met**) | 8.00 (≤ 8.00, met)" in ours.replace("  ", "")
    theirs = _row(text, of="Envoy", about="MiB above")
    assert "met" not in theirs
    assert theirs.rstrip("| ").endswith("failed")
    assert "A transfer failed: Envoy, up, slow origin: cut." in text
    assert "1,024 MiB" in text


def test_latency_is_judged_against_envoy_alone() -> None:
    latencies = Latencies(p50_us={"no proxy": [20.0], "Figueira": [60.0], "Envoy": [80.0]})
    text = _text(Results(latencies=latencies))
    assert "0.75 (≤ 1.00, met)" in _row(text, of="Envoy", about="p50")
    assert "met" not in _row(text, of="no proxy", about="p50")


def test_flips_give_their_median_and_the_slowest() -> None:
    text = _text(Results(flips=Flips(took_ms=[31.0, 29.0, 140.0])))
    assert "31.0 (≤ 100, met)" in text
    assert "140" in text


def test_the_page_names_the_machine_the_command_and_its_own_limits() -> None:
    machine = Machine(
        date="2026-11-23",
        cpu="A CPU",
        cores=2,
        memory_gib=8,
        kernel="Linux 6",
        python="3.11",
        load=0.25,
    )
    results = Results(costs=_costs([30.0], [45.0]), flips=Flips(took_ms=[30.0]))
    text = page(results, machine, "python -m bench", 5)
    for said in ("2026-11-23", "A CPU, 2 cores", "Linux 6", "`python -m bench`, 5 rounds"):
        assert said in text
    assert "(performance.svg)" in text
    assert "## What these numbers do not say" in text
    assert "## Memory" not in text


def test_the_picture_is_svg_with_a_bar_for_each_number() -> None:
    root = ET.fromstring(picture(_costs([30.0], [45.0])))  # noqa: S314 - our own text
    texts = [element.text for element in root.iter(f"{_SVG}text")]
    assert {"GET 1 KiB", "Figueira", "Envoy", "30.0", "45.0"} <= set(texts)
    assert "nginx" not in texts
    background, ours, envoys = root.iter(f"{_SVG}rect")
    assert float(ours.attrib["width"]) / float(envoys.attrib["width"]) == pytest.approx(
        30 / 45, rel=0.01
    )
    assert float(background.attrib["width"]) > float(envoys.attrib["width"])


def test_one_enormous_bar_does_not_flatten_the_others() -> None:
    values = [30.0, 45.0, 60.0, 3000.0]
    assert full_scale(values) == 60.0
    root = ET.fromstring(draw("t", [Panel("p", [Bar("x<&>", v) for v in values])]))  # noqa: S314
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{_SVG}rect")][1:]
    assert widths[2] == widths[3] == max(widths)
    assert len(list(root.iter(f"{_SVG}path"))) == 2


def test_the_claims_are_the_measurements_and_have_their_place_in_the_readme() -> None:
    results = Results(costs=_costs([30.0], [45.0]), flips=Flips(took_ms=[28.0]))
    said = claims(results)
    assert said.splitlines() == [
        "- GET 1 KiB costs 30.0 microseconds of CPU: 0.67 times Envoy's.",
        "- A flip takes effect 28.0 ms after the file is written.",
    ]
    readme = f"# Figueira\n\n{BEGIN}- old\n{END}\nmore\n"
    assert put(readme, said) == f"# Figueira\n\n{BEGIN}{said}\n{END}\nmore\n"
    assert put("# Figueira\n", said) == "# Figueira\n"


def test_what_the_readme_claims_is_what_the_page_says() -> None:
    _, begin, rest = (_ROOT / "README.md").read_text().partition(BEGIN)
    said, end, _ = rest.partition(END)
    assert begin
    assert end
    assert said in (_ROOT / "docs" / "performance.md").read_text()
