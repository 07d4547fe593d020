"""The only door between a policy and the robot: asks every rule, lets the strictest win.

It fails closed: what it cannot judge stops the robot and stays stopped until a person resets it.
Modelled on the standards that the rules name; no certified safety function.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from math import inf, isfinite

from genba.safety import inputs, standards, verdicts
from genba.safety.catalogue import RULES
from genba.safety.config import oldest_sight, read_config
from genba.safety.journal import Journal, Named
from genba.safety.recorder import Recorder
from genba.safety.robot import RobotModel, guarded
from genba.safety.rule import PASS, Config, Rule, Verdict
from genba.safety.screen import Checks, Screen
from genba.safety.verdicts import Decision, drawing_back, failure, sound, stricter, strictest
from genba.sim.kinematics import Chain
from genba.sim.state import Array, Command, Event, State

LAYER = "safety_layer"  # the subject of what the layer itself finds
FLICKER = 0.1  # s of quiet before a rule counts as off (D)
STALE_TICKS = 3  # ticks a state may be old (D)
_new = tuple.__new__  # a named tuple without the call in Python of its own constructor


class SafetyLayer:
    """Guards one robot. `config` is what a scenario says of safety; {} lets everything through.

    `robots` holds the one robot, under its name in `State.robots`: a `Chain`, or a model of limits
    for rules that need no kinematics. `tick` (s) is the time between two calls of `filter`,
    `flicker` (s) how long a rule must be quiet to count as off. ValueError, one line, for a config
    that is wrong. `recorder` writes down what begins and ends, where one is set.
    """

    __slots__ = (
        "_flicker", "_grip", "_joints", "_journal", "_latches", "_longest", "_oldest", "_persists",
        "_repeats", "_robot", "_robot_name", "_rows", "_screen", "_settings", "_shares", "_sizes",
        "_tick", "_time", "recorder", "rules", "scale",
    )  # fmt: skip

    def __init__(
        self,
        config: str | Config,
        robots: Mapping[str, RobotModel | Chain],
        tick: float = standards.TICK,
        flicker: float = FLICKER,
    ) -> None:
        if len(robots) != 1:
            raise ValueError(f"safety: a layer guards one robot, not {len(robots)}; make one each")
        ((self._robot_name, robot),) = robots.items()
        self._robot = guarded(robot, tick)
        self._settings = read_config(config)
        self._oldest = oldest_sight(self._settings)
        self._joints = len(self._robot.q_min)
        self._sizes = self._joints, len(c.capsule_links) if (c := self._robot.chain) else 0
        self._shares = inputs.Shares(self._joints)
        self._tick, self._flicker = tick, flicker
        self._longest = (STALE_TICKS + 0.5) * tick  # s between two states
        self.recorder: Recorder | None = None
        self.start()

    def start(self) -> None:
        """Begins an episode: nothing latched, nothing remembered."""
        self.rules: dict[str, Rule] = {name: self._build(name) for name in self._settings}
        self._screen = Screen(self.rules, self._robot_name, self._sizes, self._oldest)
        self._journal = Journal(self._flicker)
        self._latches: dict[str, Verdict] = {}
        self._persists = False  # a latching verdict was given in the latest tick
        self._time: float | None = None
        self._repeats = 0
        self._grip: float | None = None
        self._rows = self._sizes[1]  # robot capsules
        self.scale = 1.0
        if self.recorder is not None:
            self.recorder.begin(self)

    @property
    def latched(self) -> tuple[str, ...]:
        """The rules that a person must reset before the robot moves; empty: none."""
        return tuple(self._latches)

    @property
    def stopped_by(self) -> str | None:
        """The rule that leads the present stop, None while the robot may move."""
        stop = self._journal.stop
        return None if stop is None else stop.rule

    def filter(self, state: State, command: Command) -> Decision:
        """What the robot may do until the next tick: slower, or as a rule makes it. Never raises.

        During a stop the grip stays as it was: a stop must not drop a part.
        """
        decision: Decision | None = None
        who = "layer"
        try:
            decision = self._filter(state, command)
            for heed in self._screen.heeds:
                heed(decision)
            if self.recorder is not None:
                who = "recorder"  # ours never fails; what is not recorded must not move
                self.recorder.tick(self, state, command, decision)
        except Exception as error:  # whatever it is, the robot stops
            fault = failure(f"the {who} failed: {type(error).__name__}: {error}")
            decision = self._failed(fault, state, command, decision)
            if self.recorder is not None and who == "layer":
                with suppress(Exception):
                    self.recorder.tick(self, state, command, decision)
        return decision

    def reset(self, time: float, by: str = "manual") -> tuple[Event, ...]:
        """A person resets what latched, at `time` (s). Returns the `reset` event.

        Refused, and then empty, while the trigger persists: while the latest call of `filter`
        still met a reason to latch. Empty also when nothing was latched. A rule that latched
        starts afresh; a stop that resets itself may go on.
        """
        if not self._latches or self._persists:
            return ()
        again = [name for name in self._latches if name in self.rules]
        self.rules.update({name: self._build(name, self.rules[name]) for name in again})
        self._screen = Screen(self.rules, self._robot_name, self._sizes, self._oldest)
        self._latches = {}
        events = self._journal.release(time, by)
        if self.recorder is not None:
            self.recorder.reset(self, time, by, events)
        return events

    def skip(self) -> None:
        """The clock ran on while the robot was locked out: the next state is no stale one."""
        self._time = None
        if self.recorder is not None:
            self.recorder.skipped(self)

    def _failed(
        self, fault: Verdict, state: State, command: Command, before: Decision | None
    ) -> Decision:
        """A stop for what failed in a tick, after the decision that this one had, if any."""
        found: list[Named] = [*(before.verdicts if before else ()), (LAYER, fault)]
        if before is None:
            with suppress(Exception):  # a state may raise whatever it is asked
                self._ask(self._screen.blind, inputs.bare(state), command, found)
        after = self._decide(None, command, found)
        return after if before is None else after._replace(events=before.events + after.events)

    def _build(self, name: str, before: Rule | None = None) -> Rule:
        rule: Rule = RULES[name](self._settings[name], self._robot_name, self._robot)
        for kept in getattr(before, "KEPT", ()):
            setattr(rule, kept, getattr(before, kept))
        return rule

    def _filter(self, state: State, command: Command) -> Decision:
        found: list[Named] = []
        motion = command
        checks = self._screen.asked(state, command)
        if checks is not None:
            self._rows = len(command.capsule_velocities)
            if stale := self._time_fault(state.time):
                found.append((LAYER, failure(stale)))
        else:
            checks, motion = self._doubt(state, command, found)
        motion = self._ask(checks, state, motion, found)
        if found or self._latches or not self._journal.quiet:
            return self._decide(state, motion, found)
        self._persists = False
        self._grip = command.grip
        self.scale = 1.0
        return _new(Decision, (command, 1.0, None, (), ()))

    def _ask(self, checks: Checks, state: State, motion: Command, found: list[Named]) -> Command:
        """Puts into `found` who acts; returns the motion as they have changed it."""
        for name, check in checks:
            try:
                verdict = check(state, motion)
                if verdict is PASS:
                    continue
                verdict = sound(verdict, self._joints)
                found.append((name, verdict))
                if verdict.motion is not None and verdict.category is None:
                    motion = self._moved(state, motion, verdict.motion)
                    screen = self._screen  # what it knows is of the motion before
                    if RULES[name].order != "physical":
                        found += verdicts.judged_anew(screen.physical, name, state, motion)
                    if checks is screen.rest and screen.after:
                        return self._ask(screen.after[name], state, motion, found)
            except Exception as error:  # a rule that fails stops the robot
                reason = f"the rule failed: {type(error).__name__}: {error}"
                found.append((name, failure(reason)))
        return motion

    def _doubt(self, state: State, command: Command, found: list[Named]) -> tuple[Checks, Command]:
        """What is wrong with a state or a command that is not sound, into `found`.

        Returns the rules that may be asked, and what they may be asked about.
        """
        checks = self._screen.every
        fault = inputs.command_fault(command, *self._sizes)
        if fault != inputs.WRONG_SHAPE:
            self._rows = len(command.capsule_velocities)
        if fault:
            found.append((LAYER, inputs.blame(fault, command, self.rules)))
        if checks:
            if stale := self._time_fault(state.time):
                found.append((LAYER, failure(stale)))
            if self._oldest < inf and not 0.0 <= state.people_age <= self._oldest:
                found.append((LAYER, failure("people were not seen for too long")))
            bad = inputs.state_fault(state, self._robot_name, self._joints, self._rows)
            if bad:  # compiled rules must not meet arrays of a wrong shape
                found.append((LAYER, failure(bad)))
                self._ask(self._screen.blind, inputs.bare(state), command, found)
                checks = ()
        elif isfinite(state.time):
            self._time = state.time
        if fault:
            command = inputs.still(command, command.grip, self._joints, self._rows)
        return checks, command

    def _time_fault(self, time: float) -> str:
        last = self._time
        if last is not None and 0.0 < time - last <= self._longest:  # the usual tick
            self._time, self._repeats = time, 0
            return ""
        if not isfinite(time) or (last is not None and time < last):
            return "the state is stale: time does not advance"
        # a robot that is locked out is not asked for meanwhile
        if last is not None and time - last > self._longest and not self._latches:
            return "the state is stale: ticks are missing"  # believed once it comes again
        self._time = time
        if last is None:
            return ""
        self._repeats = self._repeats + 1 if time == last else 0
        return "the state is stale: time does not advance" if self._repeats >= STALE_TICKS else ""

    def _moved(self, state: State, command: Command, dq: Array) -> Command:
        """The command with joint velocities dq (n,) instead of those asked, rad/s."""
        robot = self._robot
        return robot.moved.command(robot.chain, state.robots[self._robot_name].q, dq, command)

    def _still(self, state: State | None, command: Command) -> Command:
        """A command to stand, with the grip as it was last let through."""
        grip = self._grip
        if grip is None:  # nothing let through yet: a hand that holds goes on holding
            robot = state.robots.get(self._robot_name) if state is not None else None
            grip = 1.0 if robot is None or robot.holding else -1.0
        return inputs.still(command, grip, self._joints, self._rows)

    def _decide(self, state: State | None, command: Command, found: list[Named]) -> Decision:
        """The most restrictive of all verdicts and latches; any that latches, latches."""
        scale, leader, extras = 1.0, None, bool(self._latches)
        self._persists = False
        for named in found:
            verdict = named[1]
            if verdict.scale < scale:
                scale = verdict.scale
            if verdict.category is not None:
                if verdict.latch:
                    self._latch(named)
                if leader is None or stricter(verdict, leader[1]):
                    leader = named
                extras = extras or verdict.motion is not None or verdict.grip is not None
        if self._latches:
            leader = strictest(leader, self._latches.items())
        category = None
        if leader is not None:
            category, scale = leader[1].category, 0.0
        if scale == 0.0:
            held = self._still(state, command)
        else:
            self._grip = command.grip
            held = command if scale == 1.0 else self._shares.of(command, scale)
        if extras and leader is not None:
            held = self._leave(state, held, leader, found)
        self.scale = scale
        events = self._journal.enter(self._time or 0.0, found, leader, bool(self._latches))
        return _new(Decision, (held, scale, category, tuple(found), events))

    def _latch(self, named: Named) -> None:
        name, verdict = named
        self._persists = True
        if name not in self._latches or stricter(verdict, self._latches[name]):
            self._latches = {**self._latches, name: verdict}

    def _leave(
        self, state: State | None, held: Command, leader: Named, found: list[Named]
    ) -> Command:
        """During a stop: what any rule does with the gripper, and how one draws back, which only a
        category 2 stop does, and only while no other rule stops the robot.
        """
        grip = verdicts.released((leader, *found, *self._latches.items()))
        if grip is not None:
            self._grip = grip
            held = held._replace(grip=grip)
        if self._latches or state is None or leader[1].category != 2:
            return held
        motion = drawing_back(found, LAYER)
        return held if motion is None else self._moved(state, held, motion)
