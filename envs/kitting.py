"""Kitting: parts from a tote into the slots of a tray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import dist, hypot
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genba.envs import task as t
from genba.envs.handling import Handling
from genba.envs.kitting_layout import (
    BASE,
    BLUE,
    CLEAR,
    GRASP,
    GRID,
    ORANGE,
    PART_HALF,
    PART_MASS,
    TOTE,
    TOTE_HEIGHT,
    TOTE_INNER,
    TRAY,
    inside,
    room,
    scattered,
    slot_of,
    slots,
    tray,
)
from genba.sim.layout import Layout, PartSpec
from genba.sim.people import Workplace
from genba.sim.robots import ROBOTS
from genba.sim.state import Array, Event, EventKind, RobotState
from genba.sim.world import World


class KittingSettings(BaseModel):
    """`task:` of a kitting scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    parts: Annotated[int, Field(ge=1, le=10)] = 10  # in a full tote
    tray_exchange: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 4.0  # s
    vision_noise: Annotated[float, Field(ge=0, le=0.02, allow_inf_nan=False)] = 0.0007  # m, std


class Kitting:
    """Fill trays with parts.

    **Task Description**: parts lie at random in a tote; the robot puts one into each slot of a
    tray; a full tray is exchanged and the tote filled up, on and on.

    **Randomizations**: place and yaw of every part in the tote; error of the vision at each pick.

    **Success Conditions**: a part let go in a free slot rests within 7.5 x 6.5 mm of its centre
    and level.

    **Version History**: v0, first.
    """

    Settings = KittingSettings
    grippers = ("parallel",)  # a cup is as wide as the parts
    workplace = Workplace(
        targets=((TOTE[0], TOTE[1], 0.10), (TRAY[0], TRAY[1], 0.10), (0.45, 0.0, 0.15))
    )
    fields: Mapping[str, int] = {
        "part_gap": 3, "part_yaw": 1, "slot_gap": 3, "slot_yaw": 1,
        "slots_filled": GRID[0] * GRID[1], "parts_in_tote": 1, "tray_ready": 1,
    }  # fmt: skip

    def __init__(self, robot: str, gripper: str, settings: KittingSettings) -> None:
        self.robot, self.grip_kind, self.settings = robot, gripper, settings
        self.slots = slots()
        count = settings.parts + len(self.slots)
        self.specs = tuple(
            PartSpec(f"block-{i}", "block", PART_HALF, PART_MASS, ORANGE) for i in range(count)
        )

    def layout(self) -> Layout:
        """Table, tote, and a tray whose slots are pockets between low ribs."""
        tote = t.open_box("tote", TOTE, TOTE_INNER, TOTE_HEIGHT, BLUE)
        return Layout(self.robot, self.grip_kind, (*t.table(), *tote, *tray()), self.specs)

    def reset(self, world: World, rng: np.random.Generator) -> None:
        """A full tote, an empty tray, the robot at home."""
        self.rng = rng
        self.hands = Handling()
        self.in_tote: list[str] = []
        self.filled: list[str | None] = [None] * len(self.slots)
        self.counted: set[str] = set()  # parts that are finished, wherever they are now
        self.exchange_until = 0.0
        self.trays = 0
        self.target: str | None = None
        self.goal = t.Goal(np.array([*TOTE, BASE + PART_HALF[2]]), 0.0)
        self.poses: dict[str, Array] = {}
        self._aimed: Array | None = None
        fresh = scattered(rng, [s.name for s in self.specs[: self.settings.parts]], [])
        world.reset(ROBOTS[self.robot].home, fresh)
        self.in_tote = list(fresh)
        self.time = 0.0
        self.poses = world.poses()
        self._choose()

    def advance(self, world: World, robot: RobotState, time: float) -> list[Event]:
        """What the last control step brought: parts gripped, placed, dropped; trays exchanged."""
        self.time, full = time, all(self.filled)  # seen full by the agent before it goes
        events = self.hands.follow(world, robot, time)
        held = self.hands.held
        if held in self.in_tote:
            self.in_tote.remove(held)
        elif held is not None and held in self.filled:  # taken out of the tray again
            self.filled[self.filled.index(held)] = None
        self._find_strays(world, time)
        for part in self.hands.at_rest(world, time):
            events += self._judge(world, part, time)
        if full and all(self.filled) and (robot.tcp[2] > CLEAR or robot.tcp[1] < 0.0):
            events.append(self._send_tray(world, time))
        self._refill(world, robot)
        self.poses = world.poses()
        if self.hands.held is None:
            if self.target not in self.in_tote:
                self._choose()
            self._aim()
        world.settle(robot.tcp, hypot(*robot.tcp_velocity[:2].tolist()), self.hands.released)
        return events

    def help(self, world: World, cause: str, part: str | None, time: float) -> list[Event]:
        """A person sets right what the cell called for; what was helped is no first pass."""
        self.time = time
        if part is not None and cause == "misplaced_part":
            self.hands.assisted.add(part)
            slot = self._free_slot()
            if slot is not None:
                finished = self._fill(world, slot, part, rework=True)
                self.poses = world.poses()
                return [finished]
        # after an overtime the person lays out anew what could not be picked
        loose = (self.target, self.hands.held) if cause == "cycle_overtime" else (part,)
        for name in filter(None, loose):
            self._back_to_tote(world, name)
        self.poses = world.poses()
        self._choose()
        return []

    def condition(self) -> str:
        """`producing`, or what the cell waits for."""
        if not self.tray_ready():
            return "changeover"
        # a full tray goes once the robot is out of its way: that is the robot's to do
        busy = self.in_tote or self.hands.held or all(self.filled)
        return "producing" if busy else "starved"

    def tray_ready(self) -> bool:
        """Whether a tray stands at its place."""
        return self.time >= self.exchange_until

    def observe(self, robot: RobotState) -> list[float]:
        """Gaps from the TCP to the part to pick and to the slot to fill, and what is where."""
        yaw = t.tool_yaw(robot.tcp)
        x, y, z = robot.tcp[:3].tolist()
        z -= GRASP
        (px, py, pz), (sx, sy, sz) = self.goal.position.tolist(), self._slot().tolist()
        return [
            px - x, py - y, pz - z, self.goal.yaw - yaw,
            sx - x, sy - y, sz - z, t.half_turn(-yaw),
            *[f is not None for f in self.filled], len(self.in_tote) / 10, self.tray_ready(),
        ]  # fmt: skip

    def reward(self, robot: RobotState, events: Sequence[Event]) -> dict[str, float]:
        """Named terms: parts done, and how near the gripper is to what comes next."""
        held = self.hands.held is not None
        goal = self._slot() if held else self.goal.position
        gap = dist(goal.tolist(), robot.tcp[:3].tolist())
        good = dropped = 0
        for event in events:
            good += event.kind is EventKind.PART_FINISHED and not event.data["rework"]
            dropped += event.kind is EventKind.PART_DROPPED
        return {
            "good_part": 10.0 * good,
            "dropped": -5.0 * dropped,
            "near": 0.02 * t.tolerance(gap, 0.3),
            "holding": 0.03 * held,
        }

    def is_defective(self, part: str) -> bool:
        """Whether a part came in defective."""
        return False

    def work_point(self, part: str | None) -> tuple[float, float, float]:
        """Where a person has to reach to set things right (3,) m."""
        x, y = self.poses[part][:2] if part in self.poses else TOTE
        return float(np.clip(x, -0.2, 0.85)), float(np.clip(y, -0.75, 0.75)), 0.08

    # -- the order of work -----------------------------------------------------------------------

    def _free_slot(self) -> int | None:
        return self.filled.index(None) if None in self.filled else None

    def _slot(self) -> Array:
        """(3,) m, the slot to fill next; of a full tray the first."""
        return self.slots[self._free_slot() or 0]

    def _choose(self) -> None:
        """The vision picks the part with most room around it."""
        if not self.in_tote:
            self.target = None
            return
        self.target = max(self.in_tote, key=lambda n: (room(n, self.in_tote, self.poses), n))
        self.error = np.clip(self.rng.normal(size=3), -2.5, 2.5) * self.settings.vision_noise
        self.goal = t.Goal(self.goal.position, 0.0)  # the slots' yaw: the wrist turns least
        self._aim()

    def _aim(self) -> None:
        """Follow the part that is to be picked: it may be pushed while the gripper comes."""
        pose = self.poses.get(self.target or "")
        if pose is None or pose is self._aimed:
            return
        self._aimed = pose
        yaw = t.grasp_yaw(pose, PART_HALF, self.goal.yaw)
        # an error of the position by 1 mm comes with one of about 0.5 degrees
        self.goal = t.Goal(pose[:3] + self.error * (1, 1, 0), yaw + 10 * float(self.error[2]))

    def _judge(self, world: World, part: str, time: float) -> list[Event]:
        self.hands.released.pop(part)
        pose, place = world.pose(part), world.place_of(part)
        if inside(place, TOTE, TOTE_INNER, TOTE_HEIGHT):
            self.in_tote.append(part)
            return []
        slot = slot_of(pose, self.slots)
        if slot is not None and self.tray_ready() and self.filled[slot] is None:
            return [self._fill(world, slot, part)]
        on_tray = inside(place, TRAY, (0.11, 0.13), 0.06)
        where = "tray" if on_tray else "table" if place[2] > -0.02 else "floor"
        return [Event(time, EventKind.PART_DROPPED, part, {"where": where})]

    def _fill(self, world: World, slot: int, part: str, rework: bool = False) -> Event:
        """The part is in its slot: for a second time, where it was knocked or taken out of one."""
        if rework:
            world.place(part, np.array([*self.slots[slot], 0.0, 0.0, 0.0, 1.0]))
        self.filled[slot], again = part, rework or part in self.counted
        self.counted.add(part)
        helped = part in self.hands.assisted
        data = {"good": True, "kind": "block", "rework": again, "assisted": helped, "reason": ""}
        return Event(self.time, EventKind.PART_FINISHED, part, data)

    def _find_strays(self, world: World, time: float) -> None:
        """Parts that were knocked out of their place are judged like those let go."""
        for part in world.awake():
            if part == self.hands.held or part in self.hands.released:
                continue
            if part in self.filled:
                if slot_of(world.pose(part), self.slots) != self.filled.index(part):
                    self.filled[self.filled.index(part)] = None
                    self.hands.let_go(part, time)
            elif part in self.in_tote:
                if not inside(world.place_of(part), TOTE, TOTE_INNER, 0.2):
                    self.in_tote.remove(part)
                    self.hands.let_go(part, time)

    def _send_tray(self, world: World, time: float) -> Event:
        for part in self.filled:
            assert part is not None
            world.put_away(part)
            self.hands.forget(part)
            self.counted.discard(part)
        self.filled = [None] * len(self.slots)
        self.trays += 1
        self.exchange_until = time + self.settings.tray_exchange
        data = {"parts": len(self.slots), "seconds": self.settings.tray_exchange}
        return Event(time, EventKind.TRAY_EXCHANGED, f"tray-{self.trays}", data)

    def _refill(self, world: World, robot: RobotState) -> None:
        """Deliver parts into the tote while the gripper is away from it."""
        want = self.settings.parts - len(self.in_tote) - (self.hands.held is not None)
        few = len(self.in_tote) <= max(0, self.settings.parts - len(self.slots))
        if want <= 0 or not few or robot.tcp[1] < TOTE[1] + TOTE_INNER[1] + 0.1:
            return
        away = [s.name for s in self.specs if s.name in world.away]
        lying = [self.poses[n] for n in self.in_tote]
        for name, pose in scattered(self.rng, away[:want], lying).items():
            world.place(name, pose)
            self.in_tote.append(name)

    def _back_to_tote(self, world: World, part: str) -> None:
        lying = [self.poses[n] for n in self.in_tote if n != part]
        place = scattered(self.rng, [part], lying)
        self.hands.assisted.add(part)
        self.hands.released.pop(part, None)
        if self.hands.held == part:
            self.hands.held = None
        if part in self.in_tote:
            self.in_tote.remove(part)
        if place:
            world.place(part, place[part])
            self.in_tote.append(part)
        else:  # no room left: it comes with the next delivery
            world.put_away(part)
