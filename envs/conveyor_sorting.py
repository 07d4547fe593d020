"""Conveyor sorting: parts of two kinds, some defective, picked from a moving belt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genba.envs import task as t
from genba.envs.conveyor_layout import (
    APART,
    BELT,
    BELT_HALF,
    BELT_TOP,
    BIN_HEIGHT,
    BIN_INNER,
    BINS,
    DROP,
    EARLY,
    END,
    HALVES,
    INFEED,
    LANE,
    LATE,
    WINDOW,
    belt,
    bins,
    bodies,
    lies_on_belt,
)
from genba.envs.handling import Handling
from genba.sim.layout import Layout
from genba.sim.people import Workplace
from genba.sim.robots import ROBOTS
from genba.sim.state import Array, Event, EventKind, RobotState
from genba.sim.world import World


class ConveyorSettings(BaseModel):
    """`task:` of a conveyor sorting scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    belt_speed: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] = 0.12  # m/s
    parts_per_minute: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 14.0
    share_a: Annotated[float, Field(ge=0, le=1)] = 0.5  # the rest is of kind b
    defective: Annotated[float, Field(ge=0, le=1)] = 0.1  # share
    poor_seal: Annotated[float, Field(ge=0, le=1)] = 0.01  # share whose surface leaks
    vision_noise: Annotated[float, Field(ge=0, le=0.02, allow_inf_nan=False)] = 0.001  # m, std


class ConveyorSorting:
    """Sort parts from a moving belt.

    **Task Description**: parts of kinds a and b arrive on a belt, some defective; the robot picks
    them in motion and drops each into the bin of its kind, the defective into the reject bin. What
    runs off the belt's end is lost; a defective part in a good bin is scrap delivered.

    **Randomizations**: kind, defect, seal, place, yaw and time of arrival of every part; error of
    the vision.

    **Success Conditions**: a good part rests in the bin of its kind.

    **Version History**: v0, first.
    """

    Settings = ConveyorSettings
    grippers = "vacuum", "parallel"
    workplace = Workplace(
        targets=((BELT[0], 0.0, 0.12), (*BINS["a"], 0.12), (*BINS["b"], 0.12), (BELT[0], 0.3, 0.10))
    )
    fields: Mapping[str, int] = {
        "part_gap": 3, "part_yaw": 1, "part_speed": 1, "part_offered": 1, "bin_gap": 3,
        "bin_yaw": 1, "part_kind": 3, "parts_on_belt": 1,
    }  # fmt: skip

    def __init__(self, robot: str, gripper: str, settings: ConveyorSettings) -> None:
        self.robot, self.grip_kind, self.settings = robot, gripper, settings
        self.period = 60.0 / settings.parts_per_minute  # s, mean time between two arrivals
        self.specs = bodies(EARLY * self.period * settings.belt_speed)
        self.kind = {s.name: s.kind for s in self.specs}

    def layout(self) -> Layout:
        """Table, belt and three bins."""
        fixtures = (*t.table(), belt(self.settings.belt_speed), *bins())
        return Layout(self.robot, self.grip_kind, fixtures, self.specs)

    def reset(self, world: World, rng: np.random.Generator) -> None:
        """A belt with the first parts on their way, the robot at home."""
        self.rng = rng
        self.hands = Handling()
        self.on_belt: list[str] = []
        self.defective: set[str] = set()
        self.error: dict[str, Array] = {}
        self.target: str | None = None
        self.time = self.yaw = 0.0
        self.poses: dict[str, Array] = {}
        world.cup.seal.clear()
        world.reset(ROBOTS[self.robot].home, {})
        self.next_arrival = 0.0
        for y in (INFEED + 0.36, INFEED):
            self._arrive(world, y + float(rng.uniform(-0.05, 0.05)))
        self.poses = world.poses()
        self._choose()

    def advance(self, world: World, robot: RobotState, time: float) -> list[Event]:
        """What the last control step brought: arrivals, picks, parts in bins, parts lost."""
        self.time = time
        world.suck(robot.tcp, 0.05)
        world.run_belts()
        events = self.hands.follow(world, robot, time)
        if self.hands.held in self.on_belt:
            self.on_belt.remove(self.hands.held)
        events += self._run_off(world, time)
        riding = {n for n in self.hands.released if lies_on_belt(world.place_of(n))}
        for part in self.hands.at_rest(world, time, riding, self.settings.belt_speed):
            events += self._judge(world, part, time)
        free = all(self.poses[n][1] > INFEED + APART for n in self.on_belt)  # the infeed
        if free and time >= self.next_arrival:
            self._arrive(world, INFEED)
        self.poses = world.poses()
        self._choose()
        return events

    def help(self, world: World, cause: str, part: str | None, time: float) -> list[Event]:
        """A person takes the part that lies about to its bin, or empties the gripper."""
        self.time = time
        events = []
        for name in {part, self.hands.held if cause == "cycle_overtime" else None} - {None}:
            assert name is not None
            self.hands.assisted.add(name)
            events.append(self._deliver(world, name, self._bin(name)))
        self.poses = world.poses()
        self._choose()
        return events

    def condition(self) -> str:
        """`producing`, or `starved` while no part can be reached."""
        return "producing" if self.target is not None else "starved"

    def observe(self, robot: RobotState) -> list[float]:
        """Gaps from the TCP to the part to pick and to its bin, and what it is."""
        part, yaw = self.target, t.half_turn(-t.tool_yaw(robot.tcp))
        kind = None if part is None else self.kind[part]
        return [
            *self._gap(robot), yaw if part is None else self.yaw + yaw,
            self.settings.belt_speed * (part in self.on_belt), part is not None,
            *self._bin_gap(robot), yaw, kind == "a", kind == "b", part in self.defective,
            len(self.on_belt) / 5,
        ]  # fmt: skip

    def _gap(self, robot: RobotState) -> tuple[float, float, float]:
        """m from the TCP to the part to pick; without one, to a place over the window's start."""
        (x, y, z), part = robot.tcp[:3].tolist(), self.target
        if part is None:
            return BELT[0] - x, WINDOW[0] + 0.1 - y, BELT_TOP + 0.12 - z
        at, error = self.poses[part].tolist(), self.error[part].tolist()
        # the TCP belongs on the top face, or between the fingers
        up = HALVES[self.kind[part]][2] if self.grip_kind == "vacuum" else 0.0
        return at[0] + error[0] - x, at[1] + error[1] - y, at[2] + error[2] + up - z

    def _bin_gap(self, robot: RobotState) -> tuple[float, float, float]:
        """m from the TCP to where the part is let go over its bin; without one, to a bin."""
        x, y, z = robot.tcp[:3].tolist()
        if self.target is None:
            return BINS["reject"][0] - x, BINS["reject"][1] - y, 0.2 - z
        place, half = BINS[self._bin(self.target)], HALVES[self.kind[self.target]]
        return place[0] - x, place[1] - y, BIN_HEIGHT + DROP + 2 * half[2] - z

    def reward(self, robot: RobotState, events: Sequence[Event]) -> dict[str, float]:
        """Named terms: parts sorted, and how near the gripper is to what comes next."""
        held = self.hands.held is not None
        gap = hypot(*(self._bin_gap(robot) if held else self._gap(robot)))
        done = [e for e in events if e.kind is EventKind.PART_FINISHED]
        return {
            "good_part": 10.0 * sum(bool(e.data["good"]) for e in done),
            "rejected": 10.0 * sum(e.kind is EventKind.PART_REJECTED for e in events),
            "wrong_bin": -10.0 * sum(not e.data["good"] for e in done),
            "lost": -3.0 * sum(e.kind is EventKind.PART_LOST for e in events),
            "dropped": -5.0 * sum(e.kind is EventKind.PART_DROPPED for e in events),
            "near": 0.02 * t.tolerance(gap, 0.3),
            "holding": 0.03 * held,
        }

    def is_defective(self, part: str) -> bool:
        """Whether a part came in defective."""
        return part in self.defective

    def work_point(self, part: str | None) -> tuple[float, float, float]:
        """Where a person has to reach to set things right (3,) m."""
        x, y = self.poses[part][:2] if part in self.poses else BELT
        return float(np.clip(x, -0.2, 0.85)), float(np.clip(y, -0.75, 0.75)), 0.08

    # -- the order of work -----------------------------------------------------------------------

    def _bin(self, part: str) -> str:
        return "reject" if part in self.defective else self.kind[part]

    def _choose(self) -> None:
        """Offer the part in hand, or keep the offered one, or take the one furthest along."""
        if self.hands.held is not None:
            self.target = self.hands.held
        elif self.target not in self.on_belt or self.poses[self.target][1] > WINDOW[1] + 0.12:
            offered = [n for n in self.on_belt if WINDOW[0] < self.poses[n][1] < WINDOW[1]]
            self.target = max(offered, key=lambda n: (self.poses[n][1], n), default=None)
            self.yaw = 0.0  # the bins': of two ways to grip the one that turns the wrist least
        if self.target is not None and self.hands.held is None:
            pose, half = self.poses[self.target], HALVES[self.kind[self.target]]
            self.yaw = t.grasp_yaw(pose, half, self.yaw)

    def _arrive(self, world: World, y: float) -> None:
        """A new part on the belt; every draw is made whether or not a body is free."""
        rng, setting = self.rng, self.settings
        kind = "a" if rng.random() < setting.share_a else "b"
        bad, leaks = rng.random() < setting.defective, rng.random() < setting.poor_seal
        seal = float(rng.uniform(0.05, 0.12) if leaks else rng.uniform(0.7, 1.0))
        across, yaw = float(rng.uniform(-LANE, LANE)), float(rng.uniform(-1.5, 1.5))
        noise = np.clip(rng.normal(size=3), -2.5, 2.5) * (1, 1, 0) * setting.vision_noise
        self.next_arrival = self.time + self.period * float(rng.uniform(EARLY, LATE))
        part = next((s.name for s in self.specs if s.kind == kind and s.name in world.away), None)
        if part is None:
            return
        world.place(part, t.upright(BELT[0] + across, y, BELT_TOP + HALVES[kind][2] + 0.001, yaw))
        world.cup.seal[part] = seal
        self.error[part] = noise
        self.hands.forget(part)
        self.defective.discard(part)
        if bad:
            self.defective.add(part)
        self.on_belt.append(part)
        self.poses[part] = world.pose(part)

    def _run_off(self, world: World, time: float) -> list[Event]:
        events = []
        for part in list(self.on_belt):
            x, y, z = world.place_of(part)
            if y > END:
                events.append(self._lose(world, part, time, "ran_off"))
            elif z < BELT_TOP - 0.005 or abs(x - BELT[0]) > BELT_HALF[0] + 0.02:
                self.on_belt.remove(part)
                self.hands.let_go(part, time)
        return events

    def _lose(self, world: World, part: str, time: float, reason: str) -> Event:
        started = part in self.hands.started
        self.on_belt.remove(part)
        self._clear(world, part)
        data = {"reason": reason, "started": started, "defective": part in self.defective}
        return Event(time, EventKind.PART_LOST, part, data)

    def _clear(self, world: World, part: str) -> None:
        world.put_away(part)
        self.hands.forget(part)
        if self.target == part:
            self.target = None

    def _judge(self, world: World, part: str, time: float) -> list[Event]:
        pose = world.pose(part)
        for name, centre in BINS.items():
            inside = np.abs(pose[:2] - centre) < BIN_INNER
            if inside.all() and pose[2] < BIN_HEIGHT + 0.03:
                return [self._deliver(world, part, name)]
        self.hands.released.pop(part)
        if lies_on_belt(world.place_of(part)):
            self.on_belt.append(part)  # it rides on, and may be picked again
            return []
        where = "table" if pose[2] > -0.02 else "floor"
        return [Event(time, EventKind.PART_DROPPED, part, {"where": where})]

    def _deliver(self, world: World, part: str, where: str) -> Event:
        """The part goes down the bin's chute; its body is free for a new part."""
        kind, bad = self.kind[part], part in self.defective
        helped = part in self.hands.assisted
        self._clear(world, part)
        if part in self.on_belt:
            self.on_belt.remove(part)
        if bad and where == "reject":
            return Event(self.time, EventKind.PART_REJECTED, part, {"kind": kind})
        good = not bad and where == kind
        reason = "" if good else "defective delivered" if bad else f"{kind} in bin {where}"
        data = {"good": good, "kind": kind, "rework": False, "assisted": helped, "reason": reason}
        return Event(self.time, EventKind.PART_FINISHED, part, data)
