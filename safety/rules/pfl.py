"""Power and force limiting of possible contacts; ISO 10218-2:2025 5.14.6, ISO/TS 15066 (S)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import geometry, human
from genba.safety.robot import RobotModel, kinematics
from genba.safety.watch import Clamping, Watch, WatchParameters
from genba.sim.state import REGIONS


class PflParameters(WatchParameters):
    """What the robot weighs when it touches, and where a body part can be clamped."""

    load: float = Field(default=0.0, ge=0.0, le=50.0, description="kg, carried (D)")
    share: float = Field(
        default=0.9, gt=0.0, le=1.0, description="1, of the limits that may be used (D)"
    )
    obstacles: list[geometry.Box] = Field(
        default=[[-0.3, -0.8, -0.05, 0.9, 0.8, 0.0]],
        description="m, fixed boxes a part can be clamped against; the table top (D)",
    )
    contact_gap: float = Field(
        default=0.06, ge=0.0, le=1.0,
        description="m to the robot; nearer a part counts as touched, with the limit of what"
        " presses on (D)",
    )  # fmt: skip
    clamping_gap: float = Field(
        default=0.3, ge=0.0, le=5.0, description="m to an obstacle, below which it can be (D)"
    )
    regions: list[str] | None = Field(
        default=None, description="of the body that are looked after, null: all (D)"
    )


class Pfl(Watch):
    """Wherever the robot could touch somebody before it stands, it is slow enough to be let.

    Slow enough: the two-body model's force and energy of the robot's own speed stay below the
    transient limit of the region, near an obstacle and once it touches below the quasi-static one.
    Skull and face must not be touched by a robot that moves.
    """

    name = "pfl"
    clause = "ISO 10218-2:2025 5.14.6, Annexes M, N (S); ISO/TS 15066 Annex A (R, unverified)"
    reaction = "scales to v_max of the region within reach; else category 2"
    reset = "automatic"
    order = "people"
    Parameters = PflParameters
    ABOUT_PEOPLE = True
    __slots__ = ()

    def __init__(self, parameters: PflParameters, robot_name: str, robot: RobotModel) -> None:
        mass = kinematics(robot, self.name).effective_mass(parameters.load)
        # the share of an energy is the square of that of a speed: the lower of both
        speeds = [
            {region: parameters.share * human.contact_speed(region, mass, c) for region in REGIONS}
            for c in (False, True)
        ]
        for table in speeds:
            table.update(human.but(parameters.regions))
        clamping = Clamping(
            geometry.boxes(parameters.obstacles), parameters.clamping_gap,
            parameters.contact_gap, speeds[1],
        )  # fmt: skip
        super().__init__(parameters, robot_name, robot, self.name, speeds[0], clamping)

    @staticmethod
    def untouched(parameters: PflParameters) -> set[str]:
        """The regions of the body that a robot in motion must not touch: no speed is slow enough,
        whatever the robot weighs.
        """
        return {
            region
            for region in human.named(parameters.regions)
            if human.contact_speed(region, 1.0, False) == 0.0
        }
