"""How fast a body can move, and how fast a robot may touch it: one row of laws a body capsule.

Bounds (C) enclose the motion-captured walk at 1.6 m/s, turns, reaches and lunges of people up to
1.89 m tall, and are nowhere below SaRA-shield's 2 m/s and 20 to 50 m/s^2 (P);
tests/test_safety_human.py holds people against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from genba.safety import verified_stop as columns
from genba.sim.body_limits import LIMITS, TRANSIENT
from genba.sim.people import CAPSULE_REGIONS
from genba.sim.state import REGIONS, Array

REACH_SPEED = 2.0  # m/s, of whatever does not walk (S, ISO 13855; P, SaRA-shield)
TRUNK_SPEED = 2.0  # m/s (P, SaRA-shield; S, the greater of ISO 13855's)
STARTING = 3.0  # m/s^2, of the trunk of somebody who begins to walk (D)
ON_TRUNK = ("skull", "face", "neck", "back", "chest", "abdomen", "pelvis")


class Bound(NamedTuple):
    """What one region's capsule ends do at most (C, but where a source is named)."""

    gait: float  # 1, speed over that of the trunk
    acceleration: float  # m/s^2, who does not walk (P, SaRA-shield, where it is 20 to 50)
    gait_acceleration: float  # 1/s, what a m/s of the trunk adds to it
    swing: float  # m, about a trunk that keeps its own bounds
    rises: float = inf  # m, the higher end of the capsule


BOUNDS: dict[str, Bound] = {
    "skull": Bound(1.4, 40.0, 0.0, 0.03), "face": Bound(1.4, 40.0, 0.0, 0.03),
    "neck": Bound(1.4, 40.0, 0.0, 0.03), "back": Bound(1.8, 40.0, 10.0, 0.05),
    "chest": Bound(1.6, 40.0, 0.0, 0.04), "abdomen": Bound(1.5, 30.0, 0.0, 0.03),
    "pelvis": Bound(1.5, 20.0, 0.0, 0.03), "upper_arm": Bound(2.1, 50.0, 5.0, 0.16),
    "lower_arm": Bound(2.6, 50.0, 30.0, 0.46), "hand": Bound(2.9, 50.0, 40.0, 0.58),
    "thigh": Bound(2.7, 30.0, 15.0, 0.32), "lower_leg": Bound(3.7, 30.0, 55.0, 0.72, 0.15),
}  # fmt: skip


def contact_speed(region: str, robot_mass: float, clamped: bool) -> float:
    """v_max (m/s) at which a robot of m_R kg may touch a region; 0 where no contact is allowed.

    The lower of F / sqrt(mu k) and of what the energy limit leaves, mu = 1/(1/m_H + 1/m_R); the
    quasi-static limit where the part can be clamped. Source: ISO/TS 15066 Annex A (R).
    """
    limit = LIMITS[region]
    if limit.transient < TRANSIENT:  # skull and face
        return 0.0
    reduced = 1.0 / (1.0 / limit.mass + 1.0 / robot_mass)
    force = limit.force * (1.0 if clamped else limit.transient)
    energy = min(limit.energy, force * force / (2.0 * limit.stiffness))
    return min(force / sqrt(reduced * limit.stiffness), sqrt(2.0 * energy / reduced))


def laws(
    allowed: Mapping[str, float],
    capsules: int = len(CAPSULE_REGIONS),
    clamped: Mapping[str, float] | None = None,
) -> Array:
    """Rows (capsules, LAWS) for a body of `sim.people.CAPSULE_REGIONS`.

    `allowed`: region -> m/s at which the robot may touch it, `clamped` where it can be clamped
    (None: the same). Of a body with another number of
    capsules nobody knows which is what: each then gets the widest bounds and the lowest speed.
    """
    known = capsules == len(CAPSULE_REGIONS)
    rows = np.empty((capsules, columns.LAWS))
    widest = Bound(*(max(column) for column in zip(*BOUNDS.values(), strict=True)))
    for j in range(capsules):
        bound = BOUNDS[CAPSULE_REGIONS[j]] if known else widest
        rows[j, columns.GAIT], rows[j, columns.A], rows[j, columns.GAIT_A] = bound[:3]
        rows[j, columns.SWING], rows[j, columns.RISES] = bound[3:]
        rows[j, columns.TRUNK] = not known or CAPSULE_REGIONS[j] == "pelvis"
        for column, speeds in ((columns.ALLOWED, allowed), (columns.CLAMPED, clamped or allowed)):
            rows[j, column] = speeds[CAPSULE_REGIONS[j]] if known else min(speeds.values())
    rows[:, columns.REACH], rows[:, columns.TRUNK_V] = REACH_SPEED, TRUNK_SPEED
    rows[:, columns.START] = STARTING
    return rows


def everywhere(speed: float) -> dict[str, float]:
    """The same speed (m/s) for every region."""
    return dict.fromkeys(REGIONS, speed)


def named(regions: Sequence[str] | None) -> Sequence[str]:
    """The regions that a rule's parameter stands for: None means all."""
    return REGIONS if regions is None else regions


def but(regions: Sequence[str] | None) -> dict[str, float]:
    """No bound for every region that is not among `regions`; empty where that is None.

    ValueError names a region that is none.
    """
    if regions is None:
        return {}
    for region in regions:
        if region not in REGIONS:
            raise ValueError(
                f"regions: no body region {region!r} (there are: {', '.join(REGIONS)})"
            )
    return {region: inf for region in REGIONS if region not in regions}
