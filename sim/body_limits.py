"""ISO/TS 15066 body regions: what a touch may do to each, every number with where it is from.

Columns as in docs/standards.md 2. None of it was read in the standard itself, so every row says
`verified=False`, and a report that shows a figure made of it says so too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genba.sim.state import REGIONS, Array

VERIFIED = False  # no row was read in a primary text
SOURCE = "ISO/TS 15066:2016 Annex A, recalled (R), mostly corroborated by secondary texts (S)"
UNCORROBORATED = "ISO/TS 15066:2016 Annex A, recalled (R); the force is not corroborated"
TRANSIENT = 2.0  # transient over quasi-static limit, ISO/TS 15066 (S)
NO_CONTACT = ("skull", "face")  # contact not permitted (S): the ratio takes the quasi-static limit


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Quasi-static limits and the two-body model's figures of one region."""

    region: str
    force: float  # N, quasi-static limit
    stiffness: float  # N/m
    mass: float  # kg, effective
    energy: float  # J, of a transient contact, the standard's own table
    source: str = SOURCE
    verified: bool = VERIFIED

    @property
    def transient(self) -> float:
        """How much more force a short, unconstrained touch may use: 2, or 1 at head and face."""
        return 1.0 if self.region in NO_CONTACT else TRANSIENT


LIMITS: dict[str, BodyLimit] = {
    limit.region: limit
    for limit in (
        BodyLimit("skull", 130.0, 150e3, 4.4, 0.23),
        BodyLimit("face", 65.0, 75e3, 4.4, 0.11),
        BodyLimit("neck", 150.0, 50e3, 1.2, 0.84, UNCORROBORATED),
        BodyLimit("back", 210.0, 35e3, 40.0, 2.5, UNCORROBORATED),
        BodyLimit("chest", 140.0, 25e3, 40.0, 1.6),
        BodyLimit("abdomen", 110.0, 10e3, 40.0, 2.4),
        BodyLimit("pelvis", 180.0, 25e3, 40.0, 2.6),
        BodyLimit("upper_arm", 150.0, 30e3, 3.0, 1.5),
        BodyLimit("lower_arm", 160.0, 40e3, 2.0, 1.3),
        BodyLimit("hand", 140.0, 75e3, 0.6, 0.49),
        BodyLimit("thigh", 220.0, 50e3, 75.0, 1.9),
        BodyLimit("lower_leg", 130.0, 60e3, 75.0, 0.52),
    )
}
assert tuple(LIMITS) == REGIONS


@dataclass(frozen=True, slots=True)
class Severity:
    """What a touch of one region at one speed does, and against which limits."""

    force: float  # N
    energy: float  # J
    force_ratio: float  # force over the limit that applies
    energy_ratio: float


def severity(region: str, speed: float, robot_mass: float, clamped: bool) -> Severity:
    """The two-body model of ISO/TS 15066 Annex A at a closing speed (m/s).

    mu = 1/(1/m_H + 1/m_R), F = v sqrt(mu k), E = mu v^2 / 2; `robot_mass` is m_R = M/2 + m_L in kg.
    A clamped part is held against the quasi-static limit, any other against the transient one. The
    energy limit is the lower of the standard's table and of F^2 / (2 k).
    """
    limit = LIMITS[region]
    reduced = 1.0 / (1.0 / limit.mass + 1.0 / robot_mass)
    force = speed * (reduced * limit.stiffness) ** 0.5
    energy = 0.5 * reduced * speed * speed
    allowed = limit.force * (1.0 if clamped else limit.transient)
    allowed_energy = min(limit.energy, allowed * allowed / (2.0 * limit.stiffness))
    return Severity(force, energy, force / allowed, energy / allowed_energy)


def table(regions: tuple[str, ...]) -> Array:
    """Force (N), stiffness (N/m), mass (kg) as rows (n, 3) for capsules of these regions."""
    rows = [(LIMITS[r].force, LIMITS[r].stiffness, LIMITS[r].mass) for r in regions]
    return np.array(rows)
