"""What a drawing of an entry shows: the robot, the people, and the two points that are nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genba.safety.audit import AuditError, values
from genba.safety.audit.near import nearest
from genba.sim.separation import closest
from genba.sim.state import Array

MARGIN = 0.15  # m around what is shown
MOST = 6.0  # m: nobody further from the robot than this is shown
OTHERS = 2.0  # m: nor, but for the nearest, than this
SPAN = 1e3  # m: a capsule beyond is no capsule of a cell


@dataclass(frozen=True, slots=True)
class Scene:
    """Capsules in m, world frame."""

    robot: Array  # (c, 7)
    people: dict[str, Array]  # name -> (m, 7), the nearest one first
    pair: tuple[Array, Array] | None  # the nearest points of robot and person, (3,) each
    separation: float | None  # m

    def box(self) -> tuple[Array, Array]:
        """Least and greatest corner (3,) of what is shown, with a margin."""
        rows = np.vstack([self.robot, *self.people.values()])
        ends = np.vstack([rows[:, :3], rows[:, 3:6]])
        radii = np.concatenate([rows[:, 6], rows[:, 6]])[:, None]
        return (ends - radii).min(axis=0) - MARGIN, (ends + radii).max(axis=0) + MARGIN


def scene(said: dict[str, object]) -> Scene | None:
    """Of an entry; None where it holds nothing to draw. Raises AuditError for impossible inputs."""
    inputs = said.get("inputs")
    if not isinstance(inputs, dict) or "state" not in inputs:
        return None
    state, _ = values.load(inputs)
    robots = [robot.capsules for robot in state.robots.values()]
    bodies = {name: person.capsules for name, person in state.people.items()}
    sound = len(robots) == 1
    for rows in (*robots, *bodies.values()):
        sound = sound and rows.shape[1] == 7 and len(rows) > 0 and bool((np.abs(rows) < SPAN).all())
    if not sound:
        raise AuditError("the inputs hold no bodies that could be drawn")
    robot = robots[0]
    apart = {name: _nearest(robot, body) for name, body in bodies.items()}
    order = sorted((one[0], name) for name, one in apart.items() if one[0] < MOST)
    if not order:
        return Scene(robot, {}, None, None)
    distance, first = order[0]
    shown = {name: bodies[name] for d, name in order if name == first or d < OTHERS}
    return Scene(robot, shown, apart[first][1:], distance)


def _nearest(robot: Array, body: Array) -> tuple[float, Array, Array]:
    """Distance (m) and the points on the surfaces of the nearest pair of capsules."""
    distance, i, j = nearest(robot, body)
    a, b = robot[i], body[j]
    _, s, t, *n = closest(a, b)
    way = np.array(n)
    one = a[:3] + s * (a[3:6] - a[:3]) + a[6] * way
    two = b[:3] + t * (b[3:6] - b[:3]) - b[6] * way
    return distance, one, two


def bar(span: float) -> float:
    """A round length (m), at most a third of a span, for a scale."""
    return max((x for x in (0.1, 0.2, 0.5, 1.0, 2.0) if x <= span / 3), default=0.1)
