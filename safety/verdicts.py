"""What the layer makes of verdicts: which of two is stricter, and which is none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import NamedTuple

from genba.safety import geometry
from genba.safety.journal import Named
from genba.safety.rule import PASS, Verdict
from genba.sim.state import Array, Command, Event, State

Checks = tuple[tuple[str, Callable[[State, Command], Verdict]], ...]  # rules that are asked
CATEGORIES = (None, 0, 1, 2)  # of a stop; None: no stop


class Decision(NamedTuple):
    """What the robot may do this tick, and why. A named tuple: one is made every tick."""

    command: Command
    scale: float  # 0..1 of what was asked
    category: int | None  # stop category, None while the robot may move
    verdicts: tuple[Named, ...]  # (rule, verdict) of those that act
    events: tuple[Event, ...]  # what began or ended


def failure(reason: str) -> Verdict:
    """A latched category 1 stop: what cannot be judged stops the robot."""
    return Verdict(0.0, 1, True, reason.partition("\n")[0][:200], 0.0, 0.0)


def stricter(one: Verdict, other: Verdict) -> bool:
    """Category 0 before 1 before 2; of equal ones the one that latches; else the first asked."""
    a = 2 if one.category is None else one.category
    b = 2 if other.category is None else other.category
    return a < b or (a == b and one.latch and not other.latch)


def strictest(leader: Named | None, others: Iterable[Named]) -> Named | None:
    """Of a verdict and others the strictest that stops the robot, of equal ones the first."""
    for named in others:
        verdict = named[1]
        if verdict.category is not None and (leader is None or stricter(verdict, leader[1])):
            leader = named
    return leader


def drawing_back(found: Sequence[tuple[str, Verdict]], layer: str) -> Array | None:
    """The motion (n,) rad/s of the one rule that stops the robot; None where others do as well.

    A category 2 stop of the layer itself or of `finite_command` says that the policy's answer is
    none: no danger to draw back into, so it does not count.
    """
    motion: Array | None = None
    count = 0
    for name, verdict in found:
        if verdict.category is not None and name != layer and name != "finite_command":
            motion = verdict.motion
            count += 1
    return motion if count == 1 else None


def judged_anew(physical: Checks, by: str, state: State, motion: Command) -> list[Named]:
    """What the physical limits say of a motion that the rule `by`, asked after them, has made.

    Slower is what they may make of it; where one would have another motion, none suits both.
    """
    found: list[Named] = []
    for name, check in physical:
        verdict = check(state, motion)
        if verdict.motion is not None and verdict.category is None:
            reason = f"no motion suits both {name} and {by}"
            verdict = Verdict(0.0, 2, False, reason, verdict.trigger, verdict.limit)
        if verdict is not PASS:
            found.append((name, verdict))
    return found


def released(found: Iterable[Named]) -> float | None:
    """The grip that the first of those wants who want one, as to release somebody."""
    return next((verdict.grip for _, verdict in found if verdict.grip is not None), None)


def sound(verdict: object, joints: int) -> Verdict:
    """The verdict, or a failure where it is none."""
    if not isinstance(verdict, Verdict):
        return failure("the rule gave no verdict")
    scale, category, latch, _, _, _, motion, grip = verdict
    if not 0.0 <= scale <= 1.0:
        return failure("the rule's scale is outside [0, 1]")
    if category not in CATEGORIES:
        return failure("the rule named no stop category")
    if motion is not None and not (motion.shape == (joints,) and geometry.finite(motion)):
        return failure("the rule's motion is no motion of this robot")
    if grip is not None and not isfinite(grip):
        return failure("the rule's grip is none")
    if latch and category is None:
        return failure("the rule latches without a stop category")
    return verdict
