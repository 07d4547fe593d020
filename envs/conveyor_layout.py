"""Where everything stands in a conveyor sorting cell: the belt, the bins, and the parts' size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from genba.envs.task import open_box
from genba.sim.layout import Fixture, PartSpec

BELT = (0.52, 0.0)  # m, centre
BELT_HALF = (0.07, 0.78)  # m
BELT_TOP = 0.04  # m
INFEED = -0.62  # m, y where parts arrive
WINDOW = (-0.30, 0.20)  # m, y between which a part is offered to the robot
END = 0.66  # m, y past which a part has run off
LANE = 0.025  # m a part may arrive off the belt's middle
BINS = {"a": (0.33, 0.34), "b": (0.33, -0.34), "reject": (0.12, -0.44)}  # m, centres
BIN_INNER = (0.075, 0.075)  # m, half widths
BIN_HEIGHT = 0.06  # m
DROP = 0.035  # m above a bin's rim at which a part's lower side is let go
POOL = 5  # bodies of each kind, at least
APART = 0.10  # m between a part and the next that arrives
EARLY, LATE = 0.6, 1.4  # shares of the mean time between two arrivals
HALVES = {"a": (0.030, 0.020, 0.015), "b": (0.022, 0.022, 0.020)}  # m
MASS = {"a": 0.15, "b": 0.30}  # kg
DARK = (0.20, 0.21, 0.23, 1.0)
COLOURS = {
    "a": (0.15, 0.45, 0.75, 1.0),
    "b": (0.90, 0.60, 0.10, 1.0),
    "reject": (0.70, 0.20, 0.20, 1.0),
}


def belt(speed: float) -> Fixture:
    """A belt that runs along y at `speed` m/s."""
    half = BELT_TOP / 2
    return Fixture("belt", (*BELT_HALF, half), (*BELT, half), DARK, 0.8, speed)


def bins() -> list[Fixture]:
    return [f for n, c in BINS.items() for f in open_box(n, c, BIN_INNER, BIN_HEIGHT, COLOURS[n])]


def bodies(spacing: float) -> tuple[PartSpec, ...]:
    """Parts of each kind, as many as can be on the belt at `spacing` m, should all be of one."""
    count = max(POOL, ceil((END - INFEED) / max(APART, spacing)))
    return tuple(
        PartSpec(f"part-{k}{i}", k, HALVES[k], MASS[k], COLOURS[k])
        for k in ("a", "b")
        for i in range(count)
    )


def lies_on_belt(place: Sequence[float]) -> bool:
    return abs(place[0] - BELT[0]) < BELT_HALF[0] + 0.01 and place[2] > BELT_TOP
