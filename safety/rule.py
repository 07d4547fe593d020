"""What a safety rule is: what it is given, what it answers, and what it declares of itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
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


class Silence(NamedTuple):
    """Bounds within which a rule surely answers PASS; what is not given says nothing.

    A rule that gives them in its attribute `silence` is not asked while they hold, but for the
    first such tick after another (safety/screen.py): what it remembers must be the same after one
    tick of silence as after many.
    """

    size: float = inf  # of the greatest component of the policy's answer, its grip included
    age: float = inf  # s, of the policy's answer
    tool: float = inf  # m/s, of the tool, asked or measured
    joints: tuple[Array, Array] | None = None  # limits and settings of joint_limits.judge
    # limits, settings, table and room of stopping_limits.scale
    stop: tuple[Array, Array, Array, Array] | None = None
    flags: tuple[str, ...] = ()  # of `State.machines`: none of them is set

    @property
    def of_motion(self) -> bool:
        """Whether the bounds are of the motion, which a rule that is asked before may change."""
        return self.tool < inf or self.joints is not None or self.stop is not None


class Rule(Protocol):
    """A safety rule at work. It may remember; after a reset a new one takes its place.

    A rule that remembers names the attributes that change in `MEMORY`, a class attribute (tuple of
    names): with them and the state, whoever replays a record gets the same verdict. What it
    remembers is replaced, not changed in place; a deque, list or array is there from the start.
    One that is silent in ordinary ticks says when in `silence` (a Silence, or None).
    What of it outlives a person's reset, and ends with the episode, stands in `KEPT` too.
    One about people has `ABOUT_PEOPLE = True`: where nothing judges the sight of them, the layer
    stops on one that is too old. Its parameters `zones`, `distance` or `people`, if it has such,
    say by being empty that it looks at nobody.
    One that lets no robot in motion touch some regions of a body names them in
    `untouched(parameters)`, a static method: a trial counts such a touch, however gentle.
    One that can judge by `State.machines` alone has `BLIND = True`: it is asked, without robots and
    people, also where the rest of a state is not sound.
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
