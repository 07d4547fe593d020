"""Human authority: whoever takes over prevails; this project's own rule (D)."""

from __future__ import annotations

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.sim.state import Command, State


class HumanAuthorityParameters(Parameters):
    """A takeover has nothing to set."""


class HumanAuthority:
    """Holds the robot once `machines["takeover"]` is set, until a person gives it back.

    A takeover that ends by itself does not give it back: automation never re-engages on its own.
    """

    name = "human_authority"
    clause = "project rule (D), docs/standards.md 8: human authority"
    reaction = "category 2; the person prevails, no automatic re-engagement"
    reset = "manual"
    order = "people"
    Parameters = HumanAuthorityParameters
    silence = Silence(flags=("takeover",))
    BLIND = True
    __slots__ = ()

    def __init__(
        self, parameters: HumanAuthorityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        pass

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: 1 while a person has taken over; limit: 0."""
        if not state.machines.get("takeover"):
            return PASS
        return Verdict(0.0, 2, True, "a person has taken over", 1.0, 0.0)
