"""What a factory cell answers, and the geometry that cells share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, exp, pi, sin
from typing import Protocol

import numpy as np
from numba.extending import register_jitable

from genba.envs.handling import Handling
from genba.sim.compiled import kernel
from genba.sim.layout import Fixture, Layout
from genba.sim.people import Workplace
from genba.sim.state import Array, Event, Part, RobotState
from genba.sim.world import World

TABLE_HALF = (0.60, 0.80, 0.02)  # m
TABLE_CENTRE = (0.30, 0.0)  # m
FLOOR = -0.75  # m, below the robot's base plane
WOOD = (0.78, 0.74, 0.68, 1.0)
CONCRETE = (0.55, 0.56, 0.57, 1.0)
STEEL = (0.62, 0.65, 0.70, 1.0)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the gripper should go next, as the cell's vision and its order list tell it."""

    position: Array  # (3,) m
    yaw: float  # rad, of the tool about the vertical


class Task(Protocol):
    """The questions a cell answers; only `reset`, `advance` and `help` touch the world."""

    fields: Mapping[str, int]  # observation: name -> length
    workplace: Workplace  # where people walk, stand and reach
    poses: Mapping[str, Array]  # part in the cell -> (7,) pose
    hands: Handling  # what the robot holds, and what it has let go

    def layout(self) -> Layout: ...
    def reset(self, world: World, rng: np.random.Generator) -> None: ...
    def advance(self, world: World, robot: RobotState, time: float) -> list[Event]: ...
    def help(self, world: World, cause: str, part: str | None, time: float) -> list[Event]: ...
    def condition(self) -> str: ...
    def observe(self, robot: RobotState) -> Sequence[float]: ...
    def reward(self, robot: RobotState, events: Sequence[Event]) -> dict[str, float]: ...
    def is_defective(self, part: str) -> bool: ...
    def work_point(self, part: str | None) -> tuple[float, float, float]: ...


def parts_of(task: Task, world: World, seen: Mapping[str, Part]) -> dict[str, Part]:
    """The parts in the cell; those at rest keep the value that was seen of them."""
    return {
        name: part
        if (part := seen.get(name)) and part.pose is pose
        else Part(pose, world.spec(name).kind, task.is_defective(name))
        for name, pose in task.poses.items()
    }


def table() -> tuple[Fixture, ...]:
    """The floor, and the bench the robot stands on with its legs."""
    x, y = TABLE_CENTRE
    floor = Fixture("floor", (3.0, 3.0, 0.05), (x, y, FLOOR - 0.05), CONCRETE)
    top = Fixture("table", TABLE_HALF, (x, y, -TABLE_HALF[2]), WOOD)
    height = (-FLOOR - 2 * TABLE_HALF[2]) / 2
    legs = tuple(
        Fixture(
            f"leg_{i}",
            (0.03, 0.03, height),
            (x + sx * 0.52, y + sy * 0.72, FLOOR + height),
            STEEL,
            solid=False,
        )
        for i, (sx, sy) in enumerate([(1, 1), (1, -1), (-1, 1), (-1, -1)])
    )
    return (floor, top, *legs)


def open_box(
    name: str,
    centre: tuple[float, float],
    inner: tuple[float, float],
    height: float,
    rgba: tuple[float, float, float, float],
) -> tuple[Fixture, ...]:
    """Floor and four walls of a tote or bin; inner half widths and height in m."""
    x, y = centre
    a, b = inner
    wall = 0.006
    up = height / 2
    return (
        Fixture(f"{name}_floor", (a, b, 0.002), (x, y, 0.002), rgba),
        Fixture(f"{name}_left", (a + wall, wall / 2, up), (x, y + b + wall / 2, up), rgba),
        Fixture(f"{name}_right", (a + wall, wall / 2, up), (x, y - b - wall / 2, up), rgba),
        Fixture(f"{name}_far", (wall / 2, b, up), (x + a + wall / 2, y, up), rgba),
        Fixture(f"{name}_near", (wall / 2, b, up), (x - a - wall / 2, y, up), rgba),
    )


def upright(x: float, y: float, z: float, yaw: float) -> Array:
    """A pose (7,) turned about the vertical."""
    return np.array([x, y, z, 0.0, 0.0, sin(yaw / 2), cos(yaw / 2)])


def axes(pose: Array) -> tuple[tuple[float, float, float], ...]:
    """The three axes of the body of a pose (7,) in the world."""
    x, y, z, w = pose[3:].tolist()
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)),
        (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)),
        (2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)),
    )


@kernel()
def tool_angles(tcp: Array) -> tuple[float, float, float]:
    """How a tool that points down stands: x and y of its axis (0 if upright), and its yaw (rad).

    The yaw is zero at home, where the tool's y axis, along which fingers close, points along the
    world's -y.
    """
    x, y, z, w = tcp[3], tcp[4], tcp[5], tcp[6]
    tilt_x, tilt_y = 2 * (x * z + y * w), 2 * (y * z - x * w)
    return tilt_x, tilt_y, half_turn(atan2(1 - 2 * (x * x + z * z), 2 * (x * y - z * w)) + pi / 2)


def tool_yaw(tcp: Array) -> float:
    """Yaw (rad) of a tool that points down."""
    yaw: float = tool_angles(tcp)[2]
    return yaw


@register_jitable
def half_turn(angle: float) -> float:
    """The angle taken to [-pi, pi)."""
    return float((angle + pi) % (2 * pi) - pi)


def grasp_yaw(pose: Array, half: Sequence[float], last: float) -> float:
    """Yaw (rad) with which two fingers hold a box across its narrower lying side.

    A box looks the same after half a turn: of the two answers within (-120, 120) degrees the one
    nearer `last` is taken. The way from a tool's yaw to it is their difference and no half turn
    less: whoever takes the shorter way through the back winds the wrist up.
    """
    along = axes(pose)
    up = max(range(3), key=lambda i: abs(along[i][2]))
    lying = [i for i in range(3) if i != up]
    x, y, _ = along[min(lying, key=lambda i: half[i])]
    yaw = half_turn(atan2(y, x) - pi / 2)
    choices = [a for a in (yaw, half_turn(yaw + pi)) if abs(a) <= 2 * pi / 3]
    return min(choices, key=lambda a: abs(a - last))


def scatter(
    rng: np.random.Generator,
    centre: tuple[float, float],
    inner: tuple[float, float],
    taken: Sequence[tuple[float, float]],
    spacing: float,
) -> tuple[float, float] | None:
    """A random free place (x, y) in a rectangle, `spacing` m from those taken, or None."""
    for _ in range(60):
        x = centre[0] + float(rng.uniform(-inner[0], inner[0]))
        y = centre[1] + float(rng.uniform(-inner[1], inner[1]))
        if all((x - a) ** 2 + (y - b) ** 2 >= spacing**2 for a, b in taken):
            return x, y
    return None


def tolerance(gap: float, scale: float) -> float:
    """1 at no gap, falling smoothly to 0: the one shaping function of all rewards."""
    return exp(-((gap / scale) ** 2))
