"""The supervisor with real processes: whatever ends, hangs or goes mad, it goes on."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.polling import eventually
from tests.support.processes import Process, environment, running

ROOT = Path(__file__).parents[4]
COMMAND = [sys.executable, "-m", "tests.conformance.processes.tiny_gateway"]


class Tiny:
    """A running `tiny_gateway`."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, pattern: str) -> list[re.Match[str]]:
        """What was said so far, in order."""
        lines = [*self.process.stdout, *self.process.stderr]
        return [match for line in lines if (match := re.fullmatch(pattern, line))]

    def said(self, pattern: str, times: int = 1, patience_s: float = 5) -> list[re.Match[str]]:
        """Wait until something was said so many times; all of it, in order."""

        def look() -> list[re.Match[str]] | None:
            found = self.lines(pattern)
            return found if len(found) >= times else None

        try:
            return eventually(look, f"{times} x {pattern}", patience_s=patience_s)
        except AssertionError as error:
            raise AssertionError(self.process.describe(str(error))) from None

    def pid(self, pattern: str, times: int = 1) -> int:
        """The process that said something, the last of those who did."""
        return int(self.said(pattern, times)[-1][1])

    def open_descriptors(self) -> int:
        """How many the supervisor has."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


Start = Callable[..., AbstractContextManager[Tiny]]


@pytest.fixture
def start() -> Start:
    """Starts a tiny gateway with so many workers, in the given way."""

    @contextmanager
    def start(workers: int = 1, how: str = "well", **variables: str) -> Iterator[Tiny]:
        environ = environment(**variables)
        with running([*COMMAND, str(workers), how], folder=ROOT, environ=environ) as process:
            yield Tiny(process)

    return start


def test_workers_start_when_control_has_spoken_and_all_are_linked(start: Start) -> None:
    """A stop asks the workers first; control hears of it before, and ends last."""
    with start(workers=2) as tiny:
        tiny.said("started 1")
        control = tiny.pid(r"control (\d+) 1 0")
        workers = {match[1] for match in tiny.said(r"worker (\d+) 1", 2)}
        tiny.said(rf"control {control} linked \d+", 2)
        assert {m[1] for m in tiny.said(r"worker (\d+) linked \d+", 2)} == workers
        assert tiny.process.stop() == 0
        said = [line for line in tiny.process.stdout if re.search("draining|asked|ends", line)]
        assert f"control {control} draining" in said
        assert said[-2:] == [f"control {control} asked", f"control {control} ends"]
        assert tiny.process.stderr[-1].endswith(" supervisor: stopped clean=True cut=0 killed=0")


def test_ps_tells_the_children_apart(start: Start) -> None:
    with start(workers=2) as tiny:
        pids = [tiny.pid(r"control (\d+) linked \d+")]
        pids += [int(match[1]) for match in tiny.said(r"worker (\d+) linked \d+", 2)]
        titles = {Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ") for pid in pids}
        assert titles == {"figueira: control", "figueira: worker-0", "figueira: worker-1"}


def test_a_dead_child_is_back_and_knows_what_the_dead_one_knew(start: Start) -> None:
    """Control: what the workers route by and what dead workers counted; a worker: the newest."""
    with start() as tiny:
        worker = tiny.pid(r"worker (\d+) 1")
        tiny.said("started 1")
        os.kill(tiny.pid(r"control (\d+) 1 0"), signal.SIGKILL)
        control = tiny.pid(r"control (\d+) 2 1")
        tiny.said(rf"worker {worker} linked \d+", 2)
        tiny.said(rf"control {control} linked \d+")
        os.kill(worker, signal.SIGKILL)
        tiny.said(rf"worker (?!{worker} )\d+ 2")
        tiny.said(rf"control {control} linked \d+", 2)
        tiny.said(rf".* process_died process=worker index=0 pid={worker} exit=-9 back_in_s=.*")
        assert tiny.process.stop() == 0


def test_a_control_that_hangs_is_replaced_within_seconds_and_the_workers_stay(
    start: Start,
) -> None:
    """Stopped, it reads nothing and says nothing; nobody else would ever notice."""
    with start() as tiny:
        worker = tiny.pid(r"worker (\d+) 1")
        hung = tiny.pid(r"control (\d+) 1 0")
        os.kill(hung, signal.SIGSTOP)
        began_s = time.monotonic()
        tiny.said(rf".* process_hangs process=control index=0 pid={hung}", patience_s=10)
        assert 3 < time.monotonic() - began_s < 8
        tiny.said(rf".* process_died process=control index=0 pid={hung} exit=-9 back_in_s=.*")
        control = tiny.pid(r"control (\d+) 2 1")
        tiny.said(rf"control {control} linked \d+")
        tiny.said(rf"worker {worker} linked \d+", 2)
        assert not tiny.lines(rf"worker {worker} ends")
        assert tiny.process.stop() == 0


def test_replacing_children_leaves_no_descriptor_and_no_zombie_behind(start: Start) -> None:
    """In the supervisor, in control and in workers."""
    with start(workers=2) as tiny:
        tiny.said(r"control \d+ linked \d+", 2)
        before = tiny.open_descriptors()
        for round_number in range(1, 6):
            pid = tiny.pid(r"control (\d+) \d+ \d+", round_number)
            os.kill(pid, signal.SIGKILL)
            tiny.said(r"control \d+ linked \d+", 2 + 2 * round_number)
            pid = tiny.pid(r"worker (\d+) \d+", 1 + round_number)
            os.kill(pid, signal.SIGKILL)
            tiny.said(r"worker \d+ \d+", 2 + round_number)
        tiny.said(r"control \d+ linked \d+", 2 + 2 * 5 + 1)
        # Five rounds would leave five; before, a pair may just have been on its way.
        eventually(lambda: tiny.open_descriptors() <= before, "as few descriptors as before")
        children = Path(f"/proc/{tiny.process.pid}/task/{tiny.process.pid}/children").read_text()
        assert len(children.split()) == 3
        survivor = tiny.said(r"worker (\d+) 1")[0][1]
        assert len({match[1] for match in tiny.said(rf"worker {survivor} linked (\d+)", 6)}) == 1
        assert tiny.process.stop() == 0


def test_a_control_that_cannot_start_ends_it_all_with_its_one_line(start: Start) -> None:
    with start(how="cannot start") as tiny:
        assert tiny.process.wait() == 1
        assert tiny.process.stderr == ["figueira: error: no database"]


def test_a_control_that_is_killed_before_it_spoke_is_told_of(start: Start) -> None:
    """Out of memory, say: nobody else would say anything."""
    with start(how="silent") as tiny:
        pid = tiny.pid(r"control (\d+) waits")
        os.kill(pid, signal.SIGKILL)
        assert tiny.process.wait() == 1
        assert tiny.process.stderr[-1].endswith(f"process_died process=control pid={pid} exit=-9")


def test_signals_before_control_has_spoken(start: Start) -> None:
    """A hang-up is for later, also when the whole group gets it; SIGTERM is a clean stop."""
    with start(how="silent") as tiny:
        tiny.said(r"control \d+ waits")
        os.killpg(tiny.process.pid, signal.SIGHUP)
        assert tiny.process.stop() == 0
        assert "died" not in "".join(tiny.process.stderr)


def test_signals_to_the_whole_group_end_nobody_but_by_the_supervisor(start: Start) -> None:
    """Ctrl-C, or a terminal that is closed: workers are asked as by SIGTERM, and drain."""
    with start() as tiny:
        worker = tiny.pid(r"worker (\d+) linked \d+")
        control = tiny.pid(r"control (\d+) linked \d+")
        os.kill(worker, signal.SIGHUP)
        os.kill(control, signal.SIGHUP)
        os.killpg(tiny.process.pid, signal.SIGINT)
        assert tiny.process.wait() == 0
        assert "died" not in "".join(tiny.process.stderr)
        assert f"worker {worker} asked" in tiny.process.stdout


def test_a_worker_that_does_not_end_is_killed_and_the_exit_code_says_so(start: Start) -> None:
    with start(how="stubborn worker") as tiny:
        tiny.said(r"worker \d+ linked \d+")
        assert tiny.process.stop() == 1
        assert tiny.process.stderr[-1].endswith(" stopped clean=False cut=0 killed=1")


def test_a_stop_that_cut_something_is_not_called_clean(start: Start) -> None:
    """Nor is it a failure: patience is a setting."""
    with start(workers=2, how="cutting worker") as tiny:
        tiny.said(r"worker \d+ linked \d+", 2)
        assert tiny.process.stop() == 0
        last = tiny.process.stderr[-1]
        assert last.endswith(" WARNING supervisor: stopped clean=False cut=6 killed=0")


def test_a_worker_that_hangs_is_replaced_within_seconds_and_the_others_stay(start: Start) -> None:
    """Later than control would be: an error here would cut all of its customers off."""
    with start(workers=2) as tiny:
        tiny.said("started 1")
        hung = tiny.pid(r"worker (\d+) linked \d+")
        os.kill(hung, signal.SIGSTOP)
        tiny.said(rf".* process_hangs process=worker index=\d pid={hung}", patience_s=15)
        tiny.said(rf".* process_died process=worker .* pid={hung} exit=-9 .*")
        tiny.said(rf"worker (?!{hung} )\d+ linked \d+")
        others = [match[1] for match in tiny.said(r"worker (\d+) 1") if match[1] != str(hung)]
        assert not any(f"worker {other} ends" in tiny.process.stdout for other in others)
        assert tiny.process.stop() == 0


def test_a_fault_in_a_child_is_shown_and_the_next_one_comes_after_a_pause(start: Start) -> None:
    """A storm of restarts would take the machine from those who work."""
    with start(how="faulty worker") as tiny:
        tiny.said("ValueError: a fault", 2)
        tiny.said(r".* process_died process=worker index=0 pid=\d+ exit=70 back_in_s=0.02", 2)
        assert tiny.process.stop() == 0


def test_a_control_that_talks_nonsense_is_replaced(start: Start) -> None:
    with start(how="nonsense") as tiny:
        tiny.said(r".* process_died process=control .* exit=-9 .*", 2)
        assert tiny.process.stop() == 0


def test_a_worker_that_hangs_holds_up_nobody_and_is_replaced_in_the_end(start: Start) -> None:
    """When it has missed so many links that its socket is full; here, a few."""
    with start(how="short links") as tiny:
        worker = tiny.pid(r"worker (\d+) linked \d+")
        os.kill(worker, signal.SIGSTOP)
        for number in range(1, 40):
            os.kill(tiny.pid(r"control (\d+) \d+ \d+", number), signal.SIGKILL)
            tiny.said(r"control \d+ \d+ \d+", number + 1)
            if any(f"pid={worker} exit=-9" in line for line in tiny.process.stderr):
                break
        tiny.said(rf".* process_died process=worker .* pid={worker} exit=-9 .*")
        tiny.said(rf"worker (?!{worker} )\d+ linked \d+")
        assert tiny.process.stop() == 0


def test_all_hear_of_a_certificate_that_was_looked_at_again(start: Start, tmp_path: Path) -> None:
    """One that is good, one that is not, and a child that comes later."""
    authority = Authority(tmp_path)
    pair, renewed = authority.issue("good"), authority.issue("renewed")
    with start(TLS_CERT=str(pair.certificate), TLS_KEY=str(pair.key)) as tiny:
        worker = tiny.pid(r"worker (\d+) linked \d+")
        pair.take_over(renewed)
        tiny.process.send(signal.SIGHUP)
        tiny.said(r"(worker|control) \d+ certificate good", 2)
        tiny.said(rf"worker {worker} log moved")
        names = r"names=127\.0\.0\.1,renewed\.test not_after=[-0-9T:]+Z sha256=[0-9a-f]{64}"
        assert len(tiny.said(rf".* INFO supervisor: certificate_accepted {names}")) == 1
        pair.key.write_text("no key")
        tiny.process.send(signal.SIGHUP)
        why = f"TLS key {pair.key}: holds no private key in PEM; give a PEM file .*"
        tiny.said(rf"(worker|control) \d+ certificate {why}", 2)
        tiny.said(rf'.* WARNING supervisor: certificate_refused problem="{why}"')
        os.kill(worker, signal.SIGKILL)
        tiny.said(r"worker \d+ linked \d+", 2)
        assert tiny.said(r"gone (\d)")[0][1] == "0"
        assert tiny.process.stop() == 0


def test_children_end_when_the_supervisor_is_killed(start: Start) -> None:
    """Nobody else would ever end them."""
    with start(workers=2) as tiny:
        tiny.said(r"control \d+ linked \d+", 2)
        tiny.said(r"worker \d+ linked \d+", 2)
        tiny.process.send(signal.SIGKILL)
        tiny.said(r"\w+ \d+ ends", 3)


def test_orphans_of_others_are_buried_and_change_nothing(start: Start) -> None:
    """Process 1 of a container inherits them."""
    with start(how="orphans") as tiny:
        tiny.said("started 1")
        os.kill(tiny.pid(r"worker (\d+) linked \d+"), signal.SIGKILL)
        tiny.said(r"orphan \d+ ends")
        tiny.said(r"worker \d+ linked \d+", 2)
        assert tiny.process.stop() == 0
