"""A log that cannot be written: the step goes on, and what is missing is told."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import errno
import json
import os
from io import FileIO
from pathlib import Path

import numpy as np
import pytest

from genba.envs import make
from genba.envs.operator import calls_for
from genba.safety import RULES, SafetyLayer
from genba.safety.audit import AuditError, AuditLog, Book, replay, verify
from genba.scenarios import load
from genba.sim.kinematics import chain_of
from genba.sim.state import EventKind, Person, RobotState, State

PANDA = chain_of("panda", "parallel")
HOME = np.array(PANDA.robot.home)
TICK = 1.0 / 120.0


class Disk(FileIO):
    """A file on a disk with so many bytes left."""

    room = 10**9

    def write(self, data, /):
        fitting = data[: max(0, Disk.room)]
        if not fitting:
            raise OSError(errno.ENOSPC, "No space left on device")
        Disk.room -= len(fitting)
        return super().write(fitting)


@pytest.fixture
def disk(monkeypatch):
    """Sets how many bytes are left."""
    return lambda room: monkeypatch.setattr(Disk, "room", room)


def log_on(path):
    return AuditLog(Book(path, opened=lambda p: Disk(p, "ab")))


def guarded(log):
    layer = SafetyLayer({"emergency_stop": {}}, {"robot": PANDA}, TICK)
    layer.recorder = log
    layer.start()
    return layer


def press(layer, tick, pressed=True):
    robot = RobotState(HOME, np.zeros(7), *PANDA.state(HOME, np.zeros(7)), 0.02, False)
    state = State(tick * TICK, {"robot": robot}, machines={"emergency_stop": pressed})
    return layer.filter(state, PANDA.command(HOME, np.zeros(7), 0.0, np.zeros(7)))


def kinds(path):
    return [json.loads(line)["kind"] for line in path.read_bytes().splitlines()]


def test_a_full_disk_stops_the_robot_no_less_and_raises_nothing(tmp_path, disk):
    log = log_on(tmp_path / "log")
    layer = guarded(log)
    disk(100)  # half a line
    decision = press(layer, 1)
    assert decision.category == 1 and log.failed and log.missing == 1
    assert "No space left" in log.error
    log.close()


def test_half_a_line_is_taken_back_and_the_gap_is_told(tmp_path, disk):
    log = log_on(tmp_path / "log")
    layer = guarded(log)
    disk(100)
    press(layer, 1)
    disk(10**9)
    press(layer, 2, False)
    layer.reset(2 * TICK)
    assert log.failed  # until a person has seen to it
    assert log.mend() and not log.failed
    log.close()
    assert kinds(tmp_path / "log") == ["start", "gap", "reset", "end", "seal"]
    found = verify(tmp_path / "log")
    assert found.findings == [] and found.gaps == 1
    assert replay(tmp_path / "log").same == 1
    assert "missing: 1" in log.shortfall


def test_a_first_line_that_could_not_be_written_comes_before_the_entries(tmp_path, disk):
    disk(0)
    log = log_on(tmp_path / "log")
    layer = guarded(log)
    assert log.failed and not log.mend()
    disk(10**9)
    assert log.mend()
    press(layer, 1)
    log.close()
    assert kinds(tmp_path / "log") == ["start", "tick", "end", "seal"] and not log.shortfall


def test_a_log_that_could_not_be_sealed_says_so(tmp_path, disk):
    log = log_on(tmp_path / "log")
    guarded(log)
    disk(0)
    log.close()
    assert "No space left" in log.shortfall and not log.book.sealed


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_device_that_is_full_from_the_start(tmp_path):
    log = AuditLog(Book(Path("/dev/full")))
    assert press(guarded(log), 1).category == 1
    log.close()
    assert log.failed and "No space left" in log.shortfall


def test_a_killed_run_has_lost_nothing_but_the_seal(tmp_path):
    log = AuditLog(Book(tmp_path / "log"))
    press(guarded(log), 1)
    assert kinds(tmp_path / "log") == ["start", "tick"]  # though it was never closed
    assert [found.what for found in verify(tmp_path / "log").findings] == ["unsealed"]
    log.book.close()


def test_a_second_episode_goes_into_the_same_log(tmp_path):
    with AuditLog(Book(tmp_path / "log")) as log:
        layer = guarded(log)
        press(layer, 1)
        layer.start()
        press(layer, 1)
    assert kinds(tmp_path / "log") == ["start", "tick", "end", "start", "tick", "end", "seal"]
    assert replay(tmp_path / "log").same == 2


def test_a_log_is_never_overwritten(tmp_path):
    (tmp_path / "log").write_text("mine")
    with pytest.raises(AuditError, match="exists already"):
        Book(tmp_path / "log")
    assert (tmp_path / "log").read_text() == "mine"


def test_the_cell_tells_the_layer_and_a_person_mends_it(tmp_path, disk):
    log = log_on(tmp_path / "log")
    env = make(load("kitting_alone", ["seconds=5"]))
    env.layer.recorder = log
    disk(0)
    env.reset(seed=1)
    env.step(np.zeros(7, np.float32))
    assert env.measured.machines["recorder_failed"] is True
    (call,) = calls_for([], False, None, overtime=True)
    env.desk.call(env.time, call, (0.4, 0.0, 0.0))
    env._release()  # a person came, yet the disk is still full
    assert env.measured.machines["recorder_failed"] is True
    disk(10**9)
    env._release()
    assert env.measured.machines["recorder_failed"] is False
    env.close()
    log.close()


@pytest.mark.skipif("recorder_health" not in RULES, reason="needs the rule")
def test_a_robot_without_a_record_stops_and_goes_on_once_somebody_made_room(tmp_path, disk):
    from genba.agents import make as make_agent
    from genba.bench.play import play

    quick = ["operator.notice=[1,1]", "operator.distance=1"]
    env = make(load("kitting_alone", ["seconds=90", "safety=shared", *quick]))
    env.layer.recorder = log = log_on(tmp_path / "log")
    disk(0)

    def watch(env, info):
        if any(event.kind is EventKind.OPERATOR_ARRIVED for event in env.unwrapped.events):
            Disk.room = 10**9

    play(env, make_agent("scripted", env), 1, watch)
    told = [(e.kind, e.subject) for e in env.events if e.kind in (EventKind.STOP, EventKind.RESET)]
    finished = [e.time for e in env.events if e.kind is EventKind.PART_FINISHED]
    env.close()
    log.close()
    assert told == [(EventKind.STOP, "recorder_health"), (EventKind.RESET, "recorder_health")]
    assert finished and finished[-1] > 60.0  # it works again
    assert verify(tmp_path / "log").findings == [] and log.missing > 0


def test_what_a_rule_remembers_may_be_none_again_after_a_reset(tmp_path):
    """An array then, it is copied every tick from the reset on."""
    chain = chain_of("panda", "parallel")
    q = np.array(chain.robot.home)
    robot = RobotState(q, np.zeros(7), *chain.state(q, np.zeros(7)), 0.02, False)
    body = np.array([[2.0, 0.0, -0.7, 2.0, 0.0, 0.9, 0.2]])
    people = {"ann": Person("visitor", "indifferent", body, np.zeros((1, 6)))}
    still = chain.command(q, np.zeros(7), 0.0, np.zeros(7))
    with AuditLog(Book(tmp_path / "log")) as log:
        guard = SafetyLayer("ssm_iso", {"robot": chain})
        guard.recorder = log
        guard.start()

        def see(tick, pressed=False):
            told = {"emergency_stop": pressed}
            now = State(tick * TICK, {"robot": robot}, people, machines=told, people_age=0.1)
            return guard.filter(now, still)

        for tick, pressed in enumerate((False, True, False)):
            see(tick, pressed)
        assert guard.reset(3 * TICK)
        guard.skip()
        for tick, pressed in ((400, False), (401, True)):
            see(tick, pressed)
    assert not log.failed and not log.missing
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.same == found.entries == 3
