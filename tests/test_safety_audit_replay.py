"""What an audit log says is all there is to know: asked again, the rules answer alike."""

# pytest and hypothesis fill in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import json
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.envs import make
from genba.safety import PASS, PROFILES, RULES, Parameters, SafetyLayer, Verdict, resolve_profile
from genba.safety.audit import AuditLog, Book, chain, replay, values, verify
from genba.safety.audit.near import nearest
from genba.scenarios import load
from genba.sim.kinematics import chain_of
from genba.sim.state import EventKind, Part, Person, RobotState, State

TICK = 1.0 / 120.0
PANDA = chain_of("panda", "parallel")
HOME = np.array(PANDA.robot.home)
# pressed, walked up to, no number, seen late: every kind of entry there is
CONFIG: dict[str, dict[str, float]] = {
    name: {}
    for name in (
        "finite_command", "joint_limits", "tcp_speed", "policy_watchdog", "emergency_stop",
        "perception_integrity", "speed_separation", "reduced_speed",
    )
}  # fmt: skip
CONFIG["reduced_speed"] = {"distance": 0.5}


def sound_line(raw):
    """A line whose hash fits."""
    line = chain.read(raw)
    assert line is not None
    return line


def body(distance):
    """A person of 17 balls, the first at `distance` (m) from the tool, straight ahead."""
    tcp = PANDA.state(HOME, np.zeros(7))[0]
    rows = np.zeros((17, 7))
    rows[:, :3] = rows[:, 3:6] = tcp[:3] + np.array([distance, 0.0, 0.0])
    rows[:, 0] += np.arange(17) * 0.02
    rows[:, 3] += np.arange(17) * 0.02 + 0.01
    rows[:, 6] = 0.05
    return Person("visitor", "indifferent", rows, np.zeros((17, 6)))


def state(tick, distance=None, **more):
    """The robot at home and, where a distance is given, a person before it."""
    dq = np.full(7, 0.01)
    robot = RobotState(HOME, dq, *PANDA.state(HOME, dq), 0.02, True)
    people = {} if distance is None else {"visitor-1": body(distance)}
    parts = {"part-1": Part(np.array([*robot.tcp[:3], 0, 0, 0, 1.0]), "gear")}
    return State(tick * TICK, {"robot": robot}, people, parts, **more)


def command(speed=0.3, asked=0.2, age=0.0):
    """Straight ahead at `speed` (m/s)."""
    twist = np.array([speed, 0.0, 0.0, 0.0, 0.0, 0.0])
    return PANDA.twist_command(HOME, twist, 0.5, np.full(7, asked), age)


def layer(config=CONFIG):
    """A layer that guards the robot."""
    return SafetyLayer(config, {"robot": PANDA}, TICK)


def visit(guard):
    """Somebody comes and goes, presses the emergency stop, and the policy answers no number."""
    tick = 0
    for distance in [
        None,
        *np.linspace(2.0, 0.2, 60),
        *[0.2] * 3,
        *np.linspace(0.2, 3.0, 90),
        None,
    ]:
        guard.filter(state(tick := tick + 1, distance), command())
    for pressed in (True, True, False):
        guard.filter(state(tick := tick + 1, machines={"emergency_stop": pressed}), command())
    guard.reset(tick * TICK, by="manual")
    for asked in (0.1, np.nan, np.nan, np.nan, np.nan, 0.1):
        guard.filter(state(tick := tick + 1), command(asked=asked))
    for age in (0.1, 0.5, 0.1):
        guard.filter(state(tick := tick + 1, 2.0, people_age=age), command())


def write(path, play=visit, config=CONFIG):
    """A sealed log of what `play` does to a layer; returns its entries."""
    with AuditLog(Book(path), {"scenario": "by hand", "seed": 1, "agent": "none"}) as log:
        guard = layer(config)
        guard.recorder = log
        guard.start()
        play(guard)
    assert log.book.sealed and not log.error
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def forge(path, change):
    """Changes what a log says, with hashes that fit."""
    out, previous = [], chain.NOTHING
    for n, line in enumerate(path.read_bytes().splitlines()):
        said = json.loads(sound_line(line).json)
        change(said)
        rest = json.dumps(said, separators=(",", ":")).encode()[1:-1]
        line, previous = chain.write(n, previous, rest)
        out.append(line)
    path.write_bytes(b"".join(out))


def test_every_kind_of_entry_gives_the_same_answer_again(tmp_path):
    said = write(tmp_path / "log")
    kinds = {one["kind"] for one in said}
    assert kinds == {"start", "tick", "off", "reset", "end", "seal"}
    acted = {a["rule"] for one in said[1:-2] for a in one.get("acting", ())}
    assert acted >= {
        "speed_separation", "reduced_speed", "emergency_stop", "policy_watchdog",
        "finite_command", "perception_integrity",
    }  # fmt: skip
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.same == found.entries >= 10 and found.largest == 0.0


def test_only_what_began_or_was_reset_is_kept_with_its_inputs(tmp_path):
    for one in write(tmp_path / "log")[1:-2]:
        ended = all(e["data"].get("phase") == "off" for e in one["events"])
        assert (one["kind"] == "off") == ended == ("inputs" not in one) == ("memory" not in one)
        assert one["events"]


def test_an_entry_says_all_that_an_activation_has(tmp_path):
    said = write(tmp_path / "log")
    stopped = next(
        one for one in said[1:-2]
        for e in one["events"] if e["kind"] == "stop" and e["subject"] == "speed_separation"
    )  # fmt: skip
    acting = next(a for a in stopped["acting"] if a["rule"] == "speed_separation")
    assert acting["trigger"] < acting["limit"] and acting["reaction"] == "stop category 2"
    assert acting["margin"] == pytest.approx(acting["trigger"] - acting["limit"])
    assert acting["reset"] == "automatic" and acting["duration"] >= 0.0
    assert stopped["person"]["name"] == "visitor-1" and stopped["person"]["region"] == "skull"
    assert stopped["part"] == {"name": "part-1", "kind": "gear", "distance": 0.0, "held": True}
    assert stopped["config"] == said[0]["config_hash"]
    ends = [e for one in said[1:-2] for e in one["events"] if e["data"].get("phase") == "off"]
    assert ends and all(e["data"]["duration"] >= 0.0 for e in ends)


def test_a_log_has_the_layers_own_events_and_no_others(tmp_path):
    seen = []

    def play(guard):
        ask, reset = guard.filter, guard.reset
        listened = SimpleNamespace(
            filter=lambda *a: seen.extend(ask(*a).events),
            reset=lambda *a, **k: seen.extend(reset(*a, **k)),
        )
        visit(listened)

    said = write(tmp_path / "log", play)
    told = [(e["kind"], e["subject"]) for one in said[1:-2] for e in one["events"]]
    assert told == [(e.kind.value, e.subject) for e in seen]


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("inputs", lambda s: s["inputs"]["state"]["people"]["visitor-1"].update(
            capsules=[[9.0, 9, 9, 9, 9, 9.1, 0.05]] * 17)),
        ("memory", lambda s: s["memory"]["layer"].update(persists=3.0, stop=[0.0, "x", 2, False])),
        ("decision", lambda s: s["decision"].update(scale=0.77)),
        ("limit", lambda s: [a.update(limit=0.1) for a in s["acting"]]),
    ],
)  # fmt: skip
def test_a_lie_with_hashes_that_fit_is_found_by_asking_again(tmp_path, what, change):
    write(tmp_path / "log")

    def lie(said):
        if said["kind"] == "tick" and said["person"] and said["acting"]:
            change(said)

    forge(tmp_path / "log", lie)
    assert verify(tmp_path / "log").findings == []
    assert replay(tmp_path / "log").findings, what


moment = st.tuples(
    st.one_of(st.none(), st.floats(0.05, 3.0)),  # m to the person
    st.floats(-1.0, 1.0),  # m/s
    st.sampled_from([0.2, -1.0, 1.0, 5.0, float("nan"), float("inf")]),  # asked
    st.sampled_from([0.0, 0.1, 0.3]),  # s since the people were seen
    st.sampled_from([False, False, False, True, "fault"]),  # emergency stop
    st.integers(1, 9),  # ticks it lasts
)


@given(st.lists(moment, min_size=1, max_size=12), st.sampled_from(sorted(PROFILES)))
@settings(max_examples=40, deadline=None)  # the first one compiles
def test_whatever_happens_the_answers_are_the_same_again(moments, profile):
    def play(guard):
        tick = 0
        for distance, speed, asked, age, pressed, count in moments:
            for _ in range(count):
                now = state(
                    tick := tick + 1, distance, machines={"emergency_stop": pressed}, people_age=age
                )
                guard.filter(now, command(speed, asked))
            if count == 9:
                guard.reset(tick * TICK)

    with TemporaryDirectory() as folder:
        said = write(Path(folder) / "log", play, resolve_profile(profile))
        found = replay(Path(folder) / "log")
    assert found.findings == []
    assert found.entries == sum(one["kind"] in ("tick", "reset") for one in said)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_an_episode_under_every_profile_is_answered_alike(tmp_path, profile):
    from genba.agents import make as make_agent
    from genba.bench.play import play

    many = ["people.visits_per_hour=3600", "seconds=9", f"safety={profile}"]
    env = make(load("kitting_shared", many))
    with AuditLog(Book(tmp_path / "log"), {"seed": 1}) as log:
        env.layer.recorder = log
        play(env, make_agent("scripted", env), 1, None)
    kinds = (EventKind.RULE, EventKind.STOP, EventKind.RESET)
    told = [event for event in env.events if event.kind in kinds]
    env.close()
    found = replay(tmp_path / "log")
    assert verify(tmp_path / "log").findings == [] and found.findings == []
    assert found.largest == 0.0 and (found.entries > 0) == bool(told)
    assert bool(told) == (profile != "unprotected")


def test_a_log_changes_nothing_in_the_cell(tmp_path):
    def played(log):
        env = make(load("kitting_shared", ["people.visits_per_hour=3600", "seconds=3"]))
        env.layer.recorder = log
        env.reset(seed=4)
        for _ in range(60):
            observation = env.step(np.full(7, 0.3, np.float32))[0]
        env.close()
        return observation.tobytes(), env.events

    with AuditLog(Book(tmp_path / "log")) as log:
        assert played(log) == played(None)


class Forgetful:
    """A rule that counts, and keeps it to itself."""

    name, clause, reaction, reset, order = "forgetful", "none", "stops", "automatic", "task"
    Parameters = Parameters
    MEMORY: tuple[str, ...] = ()

    def __init__(self, parameters, robot_name, robot):
        self.count = deque([0], maxlen=1)

    def check(self, state, command):
        self.count.append(self.count[-1] + 1)
        return Verdict(0.0, 2, False, "third", 1.0, 0.0) if self.count[-1] == 3 else PASS


@pytest.mark.parametrize("told", [True, False])
def test_a_rule_that_does_not_say_what_it_remembers_is_found_out(tmp_path, monkeypatch, told):
    monkeypatch.setitem(RULES, "forgetful", Forgetful)
    monkeypatch.setattr(Forgetful, "MEMORY", ("count",) if told else ())
    write(tmp_path / "log", config={"forgetful": {}})
    assert bool(replay(tmp_path / "log").findings) != told


def test_a_rule_that_names_what_it_has_not_fails_the_record_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setitem(RULES, "forgetful", Forgetful)
    monkeypatch.setattr(Forgetful, "MEMORY", ("nothing_of_the_kind",))
    with AuditLog(Book(tmp_path / "log")) as log:
        guard = layer({"forgetful": {}})
        guard.recorder = log
        guard.start()
        decisions = [guard.filter(state(tick), command()) for tick in range(1, 5)]
    assert [d.category for d in decisions] == [None, None, 2, None]
    assert log.failed and "nothing_of_the_kind" in log.error and log.missing == 2


numbers = st.floats(width=64)


@given(st.lists(numbers, min_size=7, max_size=7), numbers, st.sampled_from(["f8", "f4", "i4"]))
@settings(deadline=None)  # the first one compiles
def test_inputs_read_back_to_the_same_bits(row, number, kind):
    with np.errstate(all="ignore"):
        asked = np.array(row).astype(kind)
    robot = state(1).robots["robot"]._replace(q=np.array(row))
    was = State(number, {"robot": robot}, {"a": body(0.3)}, {}, {"on": True, "x": number}, 0.1)
    order = command()._replace(asked=asked, age=number)
    now, again = values.load(json.loads(values.inputs(was, order)))
    assert now.robots["robot"].q.tobytes() == np.array(row).tobytes() or np.isnan(row).any()
    np.testing.assert_array_equal(now.robots["robot"].q, np.array(row))
    np.testing.assert_array_equal(again.asked, asked.astype(np.float64))
    np.testing.assert_array_equal([now.time, again.age], [number, number])
    assert now.people["a"].capsules.tobytes() == was.people["a"].capsules.tobytes()


MACHINES = [
    ({"perception_integrity": {}}, "tracker_disagreement"),
    ({"process_guard": {}}, "insertion_force"),
    ({"process_guard": {}}, "retries"),
    ({"operator_load": {"sustained": 0.0}}, "operator_requests"),
    ({"operator_load": {}}, "attention_demand"),
    ({"uncertainty": {}}, "uncertainty"),
]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, "nan", "-inf"])
@pytest.mark.parametrize(("config", "key"), MACHINES)
def test_a_machine_that_gives_no_number_is_answered_alike(tmp_path, config, key, bad):
    def play(guard):
        guard.filter(state(1, 2.0), command())
        guard.filter(state(2, 2.0, machines={key: bad}), command())

    write(tmp_path / "log", play, config)
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.same == found.entries == 1


def test_a_machine_that_says_nan_is_told_from_one_that_measures_it():
    machines = {"a": np.nan, "b": "nan", "c": -np.inf, "d": "-inf", "e": np.float32("inf"), "f": ""}
    said = json.loads(values.inputs(state(1, machines=machines), command()))
    assert said["state"]["machines"]["a"] == {"float": "nan"}
    now, _ = values.load(said)
    assert {n: repr(one) for n, one in now.machines.items()} == {
        "a": "nan", "b": "'nan'", "c": "-inf", "d": "'-inf'", "e": "inf", "f": "''"
    }  # fmt: skip


SHAPES = [(0, 6), (0,), (6,), (1, 6), (17, 5), (17, 0), (17, 7), (1, 0, 3), (2, 17, 6)]


@pytest.mark.parametrize("rule", ["speed_separation", "ssm_reach", "contact_force"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_velocities_that_do_not_fit_the_body_are_judged_alike(tmp_path, shape, rule):
    def play(guard):
        now = state(1, 0.1)
        now.people["visitor-1"] = body(0.1)._replace(velocities=np.ones(shape))
        robot = now.robots["robot"]._replace(wrench=300.0)
        guard.filter(now._replace(robots={"robot": robot}), command())

    write(tmp_path / "log", play, {rule: {}})
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.same == found.entries == 1


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0), (1, 2, 1)], ids=str)
def test_an_answer_of_any_rank_is_judged_alike(tmp_path, shape):
    def play(guard):
        for tick, size in enumerate((0.5, 9.0, np.nan, 0.5), 1):
            order = command()._replace(asked=np.full(shape, size))
            guard.filter(state(tick, 2.0 if tick < 4 else 0.1), order)

    write(tmp_path / "log", play)
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.same == found.entries > 0


def deep(n):
    """A list in a list, n times."""
    return [deep(n - 1)] if n else []


@pytest.mark.parametrize(
    "junk",
    [
        [[1.0], [1.0, 2.0]], 5, "nan", "fast", None, {}, {"empty": "x"}, {"empty": 10**18},
        {"empty": -1.5}, {"empty": [2]}, {"empty": 0}, deep(90), [0.0] * (values.MOST + 1),
        [{"empty": 1}],
    ],
    ids=lambda junk: repr(junk)[:20],
)  # fmt: skip
def test_what_is_no_array_of_any_shape_is_one_line(junk):
    said = json.loads(values.inputs(state(1, 0.3), command()))
    for holder, name in (
        (said["state"]["people"]["visitor-1"], "velocities"), (said["command"], "asked")
    ):  # fmt: skip
        was, holder[name] = holder[name], junk
        with pytest.raises(chain.AuditError) as raised:
            values.load(said)
        assert "\n" not in str(raised.value)
        holder[name] = was
    values.load(said)
    for junk in ({}, {"float": None}, {"float": "x"}, {"float": "nan", "more": 1}, [1.0], None):
        said["state"]["machines"] = {"x": junk}
        with pytest.raises(chain.AuditError):
            values.load(said)


def test_rows_too_short_for_capsules_are_nobody():
    body = np.zeros((2, 7))
    assert nearest(body, body)[0] == 0.0
    for one, two in ((body[:, :6], body), (body, body[:, :3])):  # what lies beyond is not read
        assert nearest(one, two) == (np.inf, 0, 0)


def test_inputs_that_are_no_values_are_named_and_do_not_stop_the_log(tmp_path):
    def play(guard):
        guard.filter(state(1), command())
        guard.filter(state(2), command()._replace(dq="fast"))
        guard.filter(None, command())
        guard.reset(0.1)

    said = write(tmp_path / "log", play)
    assert "opaque" in said[1]["inputs"]
    found = replay(tmp_path / "log")
    assert "no plain values" in found.findings[0].text
    assert verify(tmp_path / "log").findings == []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("inputs"),
        lambda s: s.update(inputs=7),
        lambda s: s["inputs"]["state"].update(robots={}),
        lambda s: s["inputs"]["state"]["robots"]["robot"].update(q=[1.0]),
        lambda s: s["inputs"]["state"]["robots"]["robot"].update(capsules=[[1.0] * 3]),
        lambda s: s["inputs"]["state"]["robots"]["robot"].update(tcp=[[[1.0]]]),
        lambda s: s["inputs"]["command"].update(dq=["fast"] * 7),
        lambda s: s["inputs"]["command"].update(capsule_velocities=[[1.0]]),
        lambda s: s["memory"].update(rules={}),
        lambda s: s["memory"]["rules"]["policy_watchdog"].update(
            _streak={"record": [], "type": "Path"}
        ),
        lambda s: s["memory"]["rules"]["policy_watchdog"].update(_holds={"opaque": "x"}),
        lambda s: s["memory"]["layer"].update(latches={"x": 3}),
        lambda s: s.update(memory=None),
    ],
)  # fmt: skip
def test_a_strangers_log_with_hashes_that_fit_is_no_reason_to_fall_over(tmp_path, change):
    write(tmp_path / "log")
    forge(tmp_path / "log", lambda said: change(said) if said["kind"] == "tick" else None)
    verify(tmp_path / "log")
    assert replay(tmp_path / "log").findings


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["robot"].update(name="r2d2"), "r2d2"),
        (lambda s: s["robot"]["limits"].update(deceleration=9.0), "deceleration"),
        (lambda s: s.update(config={"laws_of_robotics": {}}), "laws_of_robotics"),
        (lambda s: s.update(config={"tcp_speed": {"limit": "fast"}}), "tcp_speed"),
        (lambda s: s.update(tick="often"), "number"),
        # a rule that keeps what happened in each tick of some time would fill the memory
        (lambda s: s.update(tick=9e-5), "the tick must be 0.0001 s or more"),
        (lambda s: s.pop("robot"), "robot"),
    ],
)
def test_an_episode_that_cannot_be_rebuilt_here_says_why(tmp_path, change, word):
    write(tmp_path / "log")
    forge(tmp_path / "log", lambda said: change(said) if said["kind"] == "start" else None)
    first, *others = replay(tmp_path / "log").findings
    assert word in first.text
    assert others and all("first line cannot be used" in found.text for found in others)


EXAMPLES = sorted((Path(__file__).parents[1] / "scenarios" / "rules").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_of_every_rule_is_answered_alike(tmp_path, example):
    from genba.agents import make as make_agent
    from genba.bench.play import play

    env = make(load(example))
    with AuditLog(Book(tmp_path / "log")) as log:
        env.layer.recorder = log
        play(env, make_agent("scripted", env), 1, None)
    env.close()
    assert not log.shortfall and verify(tmp_path / "log").findings == []
    found = replay(tmp_path / "log")
    assert found.findings == [] and found.largest == 0.0
