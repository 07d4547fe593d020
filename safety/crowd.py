"""Everybody in the cell as one body of capsules, made once a tick for all rules about people."""

from __future__ import annotations

import numpy as np

from genba.sim.state import Array, State


class Crowd:
    """Stacks the capsules of all people, and keeps what it made while the state is the same.

    One array in place of several: a compiled rule is called once a tick, not once a person.
    """

    __slots__ = ("_made", "_state")

    def __init__(self) -> None:
        self._state: State | None = None  # held, so that no other state can take its identity
        self._made: tuple[Array, Array] = np.empty((0, 7)), np.empty((0, 6))

    def of(self, state: State) -> tuple[Array, Array]:
        """Capsules (m, 7) and velocities of their ends (m, 6) of all people of a state."""
        if state is self._state:
            return self._made
        people = [*state.people.values()]
        if len(people) == 1:
            made = people[0].capsules, people[0].velocities
        elif people:
            made = (
                np.concatenate([person.capsules for person in people]),
                np.concatenate([person.velocities for person in people]),
            )
        else:
            made = np.empty((0, 7)), np.empty((0, 6))
        self._state, self._made = state, made
        return made


def crowd_of(robot: object) -> Crowd:
    """The crowd that the rules of one robot share; one of its own for a robot that has none."""
    shared = getattr(robot, "crowd", None)
    return shared if isinstance(shared, Crowd) else Crowd()
