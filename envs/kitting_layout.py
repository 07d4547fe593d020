"""Where everything stands in a kitting cell: the tote, the tray and its slots, the parts' size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from genba.envs.task import axes, scatter, upright
from genba.sim.layout import Fixture
from genba.sim.state import Array

TOTE = (0.42, -0.26)  # m, centre
TOTE_INNER = (0.18, 0.16)  # m, half widths
TOTE_HEIGHT = 0.045  # m
BASE = 0.004  # m, thickness of the floors of tote and tray
TRAY = (0.43, 0.25)  # m, centre
GRID = (2, 3)  # slots along x and y
PITCH = (0.080, 0.070)  # m between slots
POCKET = (0.0245, 0.0165)  # m, half widths of a slot: 4.5 and 4 mm of play around a part
RIB = 0.005  # m, height of the ribs between slots above the tray's floor
PART_HALF = (0.020, 0.0125, 0.015)  # m
PART_MASS = 0.08  # kg, an aluminium block
SPACING = 0.068  # m between the centres of parts in the tote
MARGIN = 0.055  # m between a part's centre and the tote's walls: the fingers need it
GRASP = 0.005  # m above the middle where a part is gripped: the tips must clear the ribs
CLEAR = 0.09  # m above which the gripper is out of the tray's way
PLACED = (0.0075, 0.0065)  # m a part may be off its slot's centre in x and y
LEVEL = 0.995  # cosine of the greatest tilt of a part in its slot
BLUE = (0.16, 0.35, 0.62, 1.0)
ORANGE = (0.92, 0.52, 0.13, 1.0)
GREY = (0.35, 0.37, 0.40, 1.0)


def slots() -> list[Array]:
    """(3,) m, centre of a part in each slot; the far ones first, so that none is reached over."""
    z = BASE + PART_HALF[2]
    xs = [TRAY[0] + PITCH[0] * (i - (GRID[0] - 1) / 2) for i in reversed(range(GRID[0]))]
    ys = [TRAY[1] + PITCH[1] * (j - (GRID[1] - 1) / 2) for j in reversed(range(GRID[1]))]
    return [np.array([x, y, z]) for y in ys for x in xs]


def tray() -> tuple[Fixture, ...]:
    x, y = TRAY
    wide = [PITCH[i] / 2 - POCKET[i] for i in (0, 1)]  # half width of the ribs between pockets
    half = [GRID[i] * PITCH[i] / 2 + wide[i] for i in (0, 1)]
    parts = [Fixture("tray", (half[0], half[1], BASE / 2), (x, y, BASE / 2), GREY)]
    up = BASE + RIB / 2
    for i in range(GRID[0] + 1):
        at = x + PITCH[0] * (i - GRID[0] / 2)
        parts.append(Fixture(f"rib_x{i}", (wide[0], half[1], RIB / 2), (at, y, up), GREY))
    for j in range(GRID[1] + 1):
        at = y + PITCH[1] * (j - GRID[1] / 2)
        parts.append(Fixture(f"rib_y{j}", (half[0], wide[1], RIB / 2), (x, at, up), GREY))
    return tuple(parts)


def inside(
    place: Sequence[float],
    centre: tuple[float, float],
    inner: tuple[float, float],
    height: float,
) -> bool:
    """Whether a part's centre, the first three numbers (m), lies within a box on the table."""
    return bool(
        abs(place[0] - centre[0]) < inner[0]
        and abs(place[1] - centre[1]) < inner[1]
        and 0 < place[2] < height
    )


def slot_of(pose: Array, places: Sequence[Array]) -> int | None:
    """The slot in which a part (7,) lies as it should, if any."""
    if abs(axes(pose)[2][2]) < LEVEL:
        return None
    px, py, pz = pose[:3].tolist()
    for i, slot in enumerate(places):
        sx, sy, sz = slot.tolist()
        if abs(px - sx) < PLACED[0] and abs(py - sy) < PLACED[1] and abs(pz - sz) < 0.003:
            return i
    return None


def room(name: str, others: Sequence[str], poses: Mapping[str, Array]) -> float:
    """Room (m) around a part in the tote: to its neighbours and to the walls, 0.12 at most."""
    here = poses[name][:2]
    gaps = [float(np.linalg.norm(here - poses[n][:2])) for n in others if n != name]
    walls = [TOTE_INNER[i] - abs(float(here[i]) - TOTE[i]) for i in (0, 1)]
    return min([0.12, *gaps, *(w + 0.03 for w in walls)])


def scattered(
    rng: np.random.Generator, names: Sequence[str], lying: Sequence[Array]
) -> dict[str, Array]:
    """Poses (7,) in the tote for parts, clear of those lying (7,) in it; left out: no room."""
    places = [(float(pose[0]), float(pose[1])) for pose in lying]
    inner = (TOTE_INNER[0] - MARGIN, TOTE_INNER[1] - MARGIN)
    poses = {}
    for name in names:
        place = scatter(rng, TOTE, inner, places, SPACING)
        yaw = float(rng.uniform(-np.pi / 2, np.pi / 2))
        if place is not None:
            places.append(place)
            poses[name] = upright(*place, BASE + PART_HALF[2] + 0.001, yaw)
    return poses
