"""What a safety rule is: what it is given, what it answers, and what it declares of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from genba.safety.robot import RobotModel
from genba.sim.state import Array, Command, State

# In which order the rules are asked (docs/standards.md 8); of equals the first leads
ORDERS = ("physical", "people", "integrity", "task")


class Verdict(NamedTuple):
    """One rule's answer for one safety tick. The most restrictive answer of all rules wins.

    A named tuple, since a rule that acts makes one every tick.
    """

    scale: float  # 0..1, of the commanded speed
    category: int | None  # stop category of IEC 60204-1: 0, 1, 2, or None for no stop
    latch: bool  # a person must reset it
    reason: str
    trigger: float  # the value that acted, in the unit of the rule
    limit: float  # what it was held against
    # (n,) rad/s in place of what was asked: a projection; with a category the way to draw back
    motion: Array | None = None
    grip: float | None = None  # with a category: what the gripper does instead of staying as it is


# Every rule answers this very object when it does not act, so that the layer asks `is PASS`.
PASS = Verdict(1.0, None, False, "", 0.0, 0.0)


class Parameters(BaseModel):
    """What the parameters of every rule share: no unknown key, no silent conversion, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Rule(Protocol):
    """A safety rule at work. It may remember; after a reset a new one takes its place.

    A rule that remembers names the attributes that change in `MEMORY`, a class attribute (tuple of
    names): with them and the state, whoever replays a record gets the same verdict. What it
    remembers is replaced, not changed in place; a deque, list or array is there from the start.
    One that must know what was let through has `heed(decision)`, called after every tick.
    One that needs what a cell measures on demand names it in `NEEDS`: "wrench", "insertion_force",
    "process", "operator_load", "tracker_disagreement".
    """

    def check(self, state: State, command: Command) -> Verdict:
        """Answers PASS, or how far the command must be held back. May raise: that is a stop."""
        ...


class RuleClass(Protocol):
    """A kind of rule, that is the class: one file, one line in RULES."""

    @property
    def name(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def reaction(self) -> str: ...
    @property
    def reset(self) -> str: ...  # "automatic", "manual", or when it is which
    @property
    def order(self) -> str: ...  # one of ORDERS
    @property
    def Parameters(self) -> type[BaseModel]: ...

    def __call__(self, parameters: Any, robot_name: str, robot: RobotModel) -> Rule: ...


Config = Mapping[str, Mapping[str, Any]]  # rule -> its parameters
