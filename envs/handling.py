"""Which part the robot holds, which it has let go, and whether the part has come to rest."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from math import dist

from genba.sim.contacts import between_fingers
from genba.sim.state import Event, EventKind, RobotState
from genba.sim.world import World

IN_HAND = 0.035  # m between the TCP and the centre of a part that is held
REST = 0.02  # m/s below which a released part counts as at rest
STILL = 0.25  # s it must rest before it is judged
PATIENCE = 3.0  # s after which it is judged, at rest or not
FALLING = 1.0  # s within which a part that was let go comes down, from anywhere over the table


@dataclass(slots=True)
class Handling:
    """Follows parts through the gripper. `released` are let go and not yet judged."""

    held: str | None = None
    started: set[str] = field(default_factory=set)
    assisted: set[str] = field(default_factory=set)
    released: dict[str, tuple[float, float]] = field(default_factory=dict)  # let go, at rest since

    def follow(self, world: World, robot: RobotState, time: float) -> list[Event]:
        """Update what is held; returns the parts gripped for the first time."""
        part = self._in_hand(world, robot) if robot.holding else None
        events: list[Event] = []
        if part != self.held:
            if self.held is not None:
                self.let_go(self.held, time)
            if part is not None:
                self.released.pop(part, None)
                if part not in self.started:
                    self.started.add(part)
                    kind = next(s.kind for s in world.layout.parts if s.name == part)
                    events.append(Event(time, EventKind.PART_STARTED, part, {"kind": kind}))
            self.held = part
        return events

    def let_go(self, part: str, time: float) -> None:
        """The part is on its own from now on and will be judged when it rests."""
        self.released.setdefault(part, (time, time))

    def falling(self, time: float) -> bool:
        """Whether a part may still be on its way down."""
        return any(time - start < FALLING for start, _ in self.released.values())

    def at_rest(
        self, world: World, time: float, riding: Container[str] = (), belt: float = 0.0
    ) -> list[str]:
        """Released parts that have come to rest and may be judged now.

        Those that are `riding` on a belt (m/s along y) rest when they go along with it.
        """
        done = []
        for part, (start, since) in self.released.items():
            if world.speed(part, belt if part in riding else 0.0) > REST:
                self.released[part] = (start, time)
                since = time
            if time - since >= STILL or time - start >= PATIENCE:
                done.append(part)
        return done

    def forget(self, part: str) -> None:
        """The part has left the cell; its name may come back as a new part."""
        self.started.discard(part)
        self.assisted.discard(part)
        self.released.pop(part, None)
        if self.held == part:
            self.held = None

    def _in_hand(self, world: World, robot: RobotState) -> str | None:
        if world.sucked is not None:
            return world.sucked
        if self.held is not None and self._near(world, self.held, robot):
            return self.held
        # fingers may also have closed on a wall beside it
        near = [
            n for n in world.in_play() if self._near(world, n, robot) and between_fingers(world, n)
        ]
        return min(near, key=lambda n: _distance(world, n, robot)) if near else None

    def _near(self, world: World, part: str, robot: RobotState) -> bool:
        return _distance(world, part, robot) < IN_HAND


def _distance(world: World, part: str, robot: RobotState) -> float:
    return dist(world.place_of(part), robot.tcp[:3].tolist())
