"""Asks the safety layer about a recorded log of joint states: what it would have decided, and why.

    python docs/examples/joint_log.py [LOG.csv [HZ]]

The log is a table with a header: time (s), q1..q7 (rad) and, where there are any, dq1..dq7 (rad/s).
A recording of positions alone, j0..j6 at so many HZ (a Panda's are taken at 1000), will do as well.
The log taken where none is named, fr3_recorded.csv, was RECORDED, by all signs on a real arm that a
hand guided; README.md beside it says by whom, and what is known. The person is made up: one walks
up, reaches in, and goes. What the joints did is taken for what was asked of them.
No certified safety function: it says what these rules make of these numbers, not that a cell is
safe.
"""

import csv
import sys
from math import sin
from pathlib import Path

import numpy as np

from genba.safety import SafetyLayer
from genba.sim.kinematics import chain_of
from genba.sim.state import Person, RobotState, State

TICK = 1.0 / 120.0  # s, how often the layer is asked
RULES = {
    "joint_limits": {}, "tcp_speed": {}, "stopping_limits": {}, "speed_separation": {},
    "reduced_speed": {"distance": 0.5},
}  # fmt: skip
NOTHING = np.zeros(7)  # no policy's answer was recorded


def read(path, hz=None):
    """Times (n,), joint positions (n, 7) and velocities (n, 7), evenly spaced by TICK."""
    with Path(path).open(newline="") as file:
        table = [{k.strip(): float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    first = table[0]
    names = [f"q{i}" for i in range(1, 8)] if "q1" in first else [f"j{i}" for i in range(7)]
    q = np.array([[row[name] for name in names] for row in table])
    if hz is None and "time" not in first:
        raise SystemExit(f"{path}: no column time; say at how many HZ it was recorded")
    if hz is None:
        time = np.array([row["time"] for row in table])
    else:
        time = np.arange(len(table)) / hz
    even = np.arange(time[0], time[-1], TICK)
    q_even = np.array([np.interp(even, time, x) for x in q.T]).T
    if "dq1" in first:
        dq = np.array([[row[f"dq{i}"] for i in range(1, 8)] for row in table])
        return even - even[0], q_even, np.array([np.interp(even, time, x) for x in dq.T]).T
    return even - even[0], q_even, np.gradient(q_even, TICK, axis=0)


def person(time):
    """Trunk and arm of somebody who walks up to the robot, reaches in and goes away again."""
    share = min(1.0, max(0.0, sin(time * 0.45)))  # 0 away, 1 at the table
    x = 2.4 - 1.3 * share
    trunk = [x, 0.1, -0.3, x, 0.1, 0.5, 0.2]
    arm = [x, 0.1, 0.35, x - 0.2 - 0.3 * share, 0.1, 0.2, 0.06]
    speed = -0.585 * np.cos(time * 0.45) if 0.0 < share < 1.0 else 0.0
    moves = np.array([[speed, 0.0, 0.0, speed, 0.0, 0.0]] * 2)
    return Person("visitor", "helpful", np.array([trunk, arm]), moves)


def short(value):
    return f"{value:.3g}" if isinstance(value, float) else value


def main(path, hz=None):
    """Every change of the layer's mind, one line each; returns the decisions."""
    chain = chain_of("panda", "parallel")
    layer = SafetyLayer(RULES, {"panda": chain}, TICK)
    decisions = []
    for time, q, dq in zip(*read(path, hz), strict=True):
        tcp, twist, capsules, moves = chain.state(q, dq)
        robot = RobotState(q, dq, tcp, twist, capsules, moves, 0.08, False)
        state = State(float(time), {"panda": robot}, {"ann": person(time)}, people_age=0.1)
        decision = layer.filter(state, chain.command(q, dq, -1.0, NOTHING))
        for event in decision.events:
            said = ", ".join(f"{k} {short(v)}" for k, v in event.data.items() if v is not None)
            print(f"{event.time:7.3f} s  {event.kind.value:6} {event.subject:18} {said}")
        decisions.append(decision)
    slowed = sum(d.category is None and d.scale < 1.0 for d in decisions)
    stopped = sum(d.category is not None for d in decisions)
    print(f"{len(decisions)} ticks: {slowed} slowed, {stopped} stopped")
    return decisions


if __name__ == "__main__":
    shipped = Path(__file__).with_name("fr3_recorded.csv")
    main(sys.argv[1] if len(sys.argv) > 1 else shipped, *map(float, sys.argv[2:3]))
