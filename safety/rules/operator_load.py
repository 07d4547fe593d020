"""Operator load: no more calls than one person can serve; EEMUA 191 alarm rates (S)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import ATTENTION_DEMAND, LOAD_SUSTAINED, REQUESTS_PER_10_MIN
from genba.sim.state import Command, State


class OperatorLoadParameters(Parameters):
    """What one operator may be asked for."""

    requests: float = Field(
        default=REQUESTS_PER_10_MIN, ge=0.0, le=600.0, description="requests in 10 min (S)"
    )
    attention: float = Field(
        default=ATTENTION_DEMAND, gt=0.0, le=1.0, description="1, robot attention demand RAD (D)"
    )
    sustained: float = Field(
        default=LOAD_SUSTAINED, ge=0.0, le=3600.0, description="s the requests must last (D)"
    )
    scale: float = Field(default=0.5, ge=0.0, le=1.0, description="1, of the speed meanwhile (D)")


class OperatorLoad:
    """Slows the cell down while `machines["operator_requests"]` or ["attention_demand"] is high.

    The cell writes a ticket for the next improvement cycle with it.
    """

    name = "operator_load"
    clause = "EEMUA 191 alarm rates (S); docs/standards.md 6 and 8 (D)"
    reaction = "scales to half speed; a ticket for the next improvement cycle"
    reset = "automatic"
    order = "task"
    Parameters = OperatorLoadParameters
    MEMORY = ("_since",)
    NEEDS = ("operator_load",)
    __slots__ = ("_set", "_since")

    def __init__(
        self, parameters: OperatorLoadParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._set = parameters
        self._since: float | None = None  # since when there are too many requests

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: requests in 10 min, or attention demand; limit: in the same unit."""
        machines, limits = state.machines, self._set
        requests = machines.get("operator_requests", 0.0)
        demand = machines.get("attention_demand", 0.0)
        # compared, not asked whether it is more: what is no number is too much
        few = 0.0 <= requests <= limits.requests  # type: ignore[operator]  # else it raises: a stop
        if few and 0.0 <= demand <= limits.attention:  # type: ignore[operator]  # else it raises: a stop
            self._since = None
            return PASS
        if not 0.0 <= demand <= limits.attention:  # type: ignore[operator]  # else it raises: a stop
            reason = "the cell asks too much attention of its operator"
            return Verdict(limits.scale, None, False, reason, float(demand), limits.attention)
        if self._since is None:
            self._since = state.time
        if state.time - self._since < limits.sustained:
            return PASS
        reason = "the operator is called too often"
        return Verdict(limits.scale, None, False, reason, float(requests), limits.requests)
