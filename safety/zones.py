"""Whether anybody is where nobody may be: in a box, or nearer to the robot than allowed."""

from __future__ import annotations

from genba.safety import geometry
from genba.sim.state import Array, State


def anybody_inside(state: State, robot: str, zones: Array | None, distance: float) -> bool:
    """Whether a measured body reaches into one of the boxes `zones` (k, 6), or is nearer than
    `distance` (m, 0: does not matter) to the robot. A body of bad numbers is inside.
    """
    for person in state.people.values():
        if zones is not None and geometry.touches(zones, person.capsules):
            return True
        if distance > 0.0:
            capsules = state.robots[robot].capsules
            if geometry.gap(capsules, person.capsules, distance) < distance:
                return True
    return False
