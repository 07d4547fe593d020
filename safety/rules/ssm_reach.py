"""Speed and separation by a verified stop; ISO 10218-2:2025 5.14.5 and Annex L (S), see docs."""

from __future__ import annotations

from pydantic import Field

from genba.safety import human
from genba.safety.robot import RobotModel
from genba.safety.watch import Watch, WatchParameters


class SsmReachParameters(WatchParameters):
    """What the stop is verified against."""

    regions: list[str] | None = Field(
        default=None, description="of the body that must not be touched, null: all (D)"
    )


class SsmReach(Watch):
    """Lets a command through if the stop after it stays clear of all that people can reach.

    Else the greatest scale of it that does; else it brakes on the way that was verified before.
    Assumptions, the argument and its limits: docs/ssm_reach.md.
    """

    name = "ssm_reach"
    clause = "ISO 10218-2:2025 5.14.5, Annex L (S); verified stop after Althoff and others (S)"
    reaction = "scales so that a stop stays clear; else category 2"
    reset = "automatic"
    order = "people"
    Parameters = SsmReachParameters
    ABOUT_PEOPLE = True
    __slots__ = ()

    def __init__(self, parameters: SsmReachParameters, robot_name: str, robot: RobotModel) -> None:
        allowed = human.everywhere(0.0)
        allowed.update(human.but(parameters.regions))
        super().__init__(parameters, robot_name, robot, self.name, allowed)

    @staticmethod
    def untouched(parameters: SsmReachParameters) -> set[str]:
        """The regions of the body that a robot in motion must not touch."""
        return set(human.named(parameters.regions))
