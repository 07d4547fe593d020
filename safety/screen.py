"""One look at a tick before any rule is asked: is it sound, and are the usual rules surely silent?

In an ordinary tick most rules have nothing to say. A rule whose silence follows from a few numbers
gives their bounds (`Silence`); while all bounds hold, found in one compiled call, none of these
rules is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

import numpy as np

from genba.safety import geometry
from genba.safety.rule import Rule, Silence
from genba.safety.rules.joint_limits import judge
from genba.safety.rules.stopping_limits import scale
from genba.safety.standards import TOOL_SPEED_TOLERANCE
from genba.safety.verdicts import Checks as Checks
from genba.safety.verdicts import Decision
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State

Heed = Callable[[Decision], None]
UNSOUND, SOUND, SILENT = 0, 1, 2
# rows of `terms`: limits and settings of `judge`, those of `scale`, then all other bounds
JOINTS, JOINT_SETTINGS, STOP, STOP_SETTINGS, BOUNDS, ROWS = 0, 4, 5, 9, 10, 11
SIZE, TOOL, HAS_JOINTS, HAS_STOP, WIDTH = 0, 1, 2, 3, 5  # places in that row


@kernel()
def look(
    terms: Array, n: int, answer: Array, grip: float, asked: Array, tool: Array, rows: Array,
    q: Array, dq: Array, tcp: Array, twist: Array, capsules: Array, moves: Array,
    table: Array, work: Array,
) -> int:  # fmt: skip
    """UNSOUND, SOUND or SILENT: a policy's answer, the command (asked, tool, rows) made of it, and
    a measured robot of n joints; `table` and `work` as `scale` has them.
    """
    if not geometry.sound(n, asked, tool, rows, q, dq, tcp, twist, capsules, moves):
        return UNSOUND
    if not geometry.size(answer, grip) <= terms[BOUNDS, SIZE]:
        return SOUND
    if not geometry.tool_speed(tool, twist, TOOL_SPEED_TOLERANCE) <= terms[BOUNDS, TOOL]:
        return SOUND
    if terms[BOUNDS, HAS_JOINTS] != 0.0:
        share, joint, _, _ = judge(q, dq, asked, terms, terms[JOINT_SETTINGS])
        if joint >= 0 or share != 1.0:
            return SOUND
    if terms[BOUNDS, HAS_STOP] != 0.0:
        if scale(q, asked, rows, terms[STOP:], terms[STOP_SETTINGS], table, work)[0] != 1.0:
            return SOUND
    return SILENT


class Screen:
    """Says which rules of a layer are to be asked; `rules` are given in their order.

    `every` holds all of them, `blind` those that need no sound state, `covered` the names of those
    that are silent in a silent tick. What a rule says of the motion counts only until a rule that
    is asked before it has changed the motion: `after` it come those of the list under its name.
    `heeds` are to be told what was let through.
    """

    __slots__ = (
        "_age", "_flags", "_joints", "_links", "_oldest", "_path", "_quiet", "_robot", "_terms",
        "after", "blind", "covered", "every", "heeds", "physical", "rest",
    )  # fmt: skip

    def __init__(
        self, rules: Mapping[str, Rule], robot: str, sizes: tuple[int, int], oldest: float = inf
    ) -> None:
        """`sizes`: the robot's joints, and its capsules or 0 where that is not known; `oldest`: s,
        age of the sight of people beyond which `inputs` has a word to say.
        """
        joints, links = sizes
        self._robot, self._joints, self._links, self._oldest = robot, joints, links, oldest
        self._terms = np.zeros((ROWS, max(joints, WIDTH)))
        self._terms[BOUNDS, SIZE] = self._terms[BOUNDS, TOOL] = self._age = inf
        self._path = np.empty((0, 0)), np.empty(0)
        self._flags: tuple[str, ...] = ()
        covered: set[str] = set()
        behind: set[str] = set()  # silent until the motion is changed
        untouched = True  # the motion, by the rules that are asked in a silent tick
        for name, rule in rules.items():
            silence: Silence | None = getattr(rule, "silence", None)
            if silence is None or (silence.of_motion and not untouched and _remembers(rule)):
                untouched = False
                continue
            self._cover(silence)
            (behind if silence.of_motion and not untouched else covered).add(name)
        self.covered = frozenset(covered)
        # for a motion that a later rule has made; those that remember are asked once a tick
        self.physical: Checks = tuple(
            (name, rule.check)
            for name, rule in rules.items()
            if getattr(rule, "order", "") == "physical" and not _remembers(rule)
        )
        self.every: Checks = tuple((name, rule.check) for name, rule in rules.items())
        self.blind: Checks = tuple(
            (name, rule.check) for name, rule in rules.items() if getattr(rule, "BLIND", False)
        )
        # asked in a silent tick, and what is asked once one of these has changed the motion
        self.rest: Checks = tuple(pair for pair in self.every if pair[0] not in covered | behind)
        self.after: dict[str, Checks] = {}
        for k, (name, _) in enumerate(self.every if behind else ()):
            self.after[name] = tuple(p for p in self.every[k + 1 :] if p[0] not in covered)
        self._quiet = False  # whether the latest tick was silent, and all were asked since another
        heeds = (getattr(rule, "heed", None) for rule in rules.values())
        self.heeds: tuple[Heed, ...] = tuple(heed for heed in heeds if heed is not None)

    def asked(self, state: State, command: Command) -> Checks | None:
        """The rules to be asked about a tick; None where `inputs` has a word to say of it.

        In the first silent tick after another every rule is asked, so that none remembers the other
        one for longer than it would by itself.
        """
        quiet, self._quiet = self._quiet, False
        robot = state.robots.get(self._robot) if self.every else None
        if robot is None or command.grip - command.grip != 0.0:
            return None
        if not 0.0 <= state.people_age <= self._oldest:
            return None
        for _, _, capsules, _ in state.people.values():
            count, width = capsules.shape
            if width != 7 or not count:
                return None
        q, dq, tcp, twist, where, doing, _, _, _, _ = robot
        asks, tool, moves, grip, answer, _ = command
        if len(moves) != self._links and self._links:
            return None
        found = look(
            self._terms, self._joints, answer, grip, asks, tool, moves, q, dq, tcp, twist, where,
            doing, *self._path,
        )  # fmt: skip
        if found != SILENT:
            return None if found == UNSOUND else self.every
        if not 0.0 <= command.age <= self._age:
            return self.every
        machines = state.machines
        for flag in self._flags:
            if machines.get(flag):
                return self.every
        self._quiet = True
        return self.rest if quiet else self.every

    def _cover(self, silence: Silence) -> None:
        bounds = self._terms[BOUNDS]
        bounds[SIZE], bounds[TOOL] = (
            min(bounds[SIZE], silence.size),
            min(bounds[TOOL], silence.tool),
        )
        self._age = min(self._age, silence.age)
        self._flags += silence.flags
        stop = silence.stop
        if stop is not None:
            self._path = stop[2:]
        for pair, row, has in (
            (silence.joints, JOINTS, HAS_JOINTS), (stop and stop[:2], STOP, HAS_STOP)
        ):  # fmt: skip
            if pair is not None:
                limits, settings = pair
                self._terms[row : row + len(limits), : limits.shape[1]] = limits
                self._terms[row + len(limits), : len(settings)] = settings
                bounds[has] = 1.0


def _remembers(rule: Rule) -> bool:
    """Whether a rule may answer otherwise for having been asked before."""
    return bool(getattr(rule, "MEMORY", ()))
