"""Speed and separation by a verified stop; ISO 10218-2:2025 5.14.5 and Annex L (S), see docs."""

from __future__ import annotations

from pydantic import Field

from genba.safety import human
from genba.safety.robot import RobotModel
from genba.safety.rule import Verdict
from genba.safety.watch import Watch, WatchParameters
from genba.sim.state import Command, State


class SsmReachParameters(WatchParameters):
    """What the stop is verified against."""

    regions: list[str] | None = Field(
        default=None, description="of the body that must not be touched, null: all (D)"
    )


class SsmReach:
    """Lets a command through if the stop after it stays clear of all that people can reach.

    Else the greatest scale of it that does; else it brakes on the way that was verified before.
    Assumptions, the argument and its limits: docs/ssm_reach.md.
    """

    name = "ssm_reach"
    clause = "ISO 10218-2:2025 5.14.5, Annex L (S); verified stop after Althoff and others (S)"
    reaction = "scales so that a stop stays clear; else category 2"
    reset = "automatic"
    order = "people"
    MEMORY = ("memory",)
    Parameters = SsmReachParameters
    __slots__ = ("_watch",)

    def __init__(self, parameters: SsmReachParameters, robot_name: str, robot: RobotModel) -> None:
        allowed = human.everywhere(0.0)
        allowed.update(human.but(parameters.regions))
        self._watch = Watch(parameters, robot_name, robot, self.name, allowed)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: distance (m) of the pair that acted; limit: the way it may need to close (m)."""
        return self._watch.check(state, command)

    @property
    def memory(self) -> tuple[bool, float | None]:
        """Whether it is stopped, and since when the way is clear (s)."""
        return self._watch.memory

    @memory.setter
    def memory(self, value: tuple[bool, float | None]) -> None:
        self._watch.memory = (bool(value[0]), value[1])
