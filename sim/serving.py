"""The operator's stay: called, at the work, at the reset button, and out again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot

from genba.sim.choreography import Movement, Reach, Turn, Wait, Walk
from genba.sim.gait import HEIGHT
from genba.sim.people import SPEED_MAX, Visit, way_in
from genba.sim.workplace import Point3, Workplace, route

SPEED = 1.3  # m/s
PRESS = 1.0  # s that it takes to press the reset button
OVER = 0.11  # m: a hand over the walls of totes and bins


@dataclass(frozen=True, slots=True)
class OperatorVisit:
    """The operator's stay, and the times that the shop's book-keeping asks for (s)."""

    visit: Visit
    arrived: float  # at the work
    served: float  # the hands are back
    reset: float  # the reset button is pressed
    gone: float

    def longer(self, seconds: float) -> OperatorVisit:
        """The same stay, and `seconds` more at the button before it is pressed."""
        *stay, leaving = self.visit.movements
        visit = replace(self.visit, movements=(*stay, Wait(seconds), leaving))
        *_, reset, gone = visit.ends()
        return OperatorVisit(visit, self.arrived, self.served, reset, gone)

    def waiting(self, seconds: float) -> OperatorVisit:
        """`longer`, again and again: who has stood at the button for so long stands there later."""
        last = self.visit.movements[-2]
        if not isinstance(last, Wait) or last.seconds < seconds:
            return self.longer(seconds)
        visit = replace(self.visit, start=self.visit.start + seconds)
        reset, gone = self.reset + seconds, self.gone + seconds
        return OperatorVisit(visit, self.arrived, self.served, reset, gone)


def operator_visit(
    called: float, way: float, service: float, work: Point3, place: Workplace
) -> OperatorVisit:
    """The operator notices the call at `called`, needs `way` to the work, and serves it.

    Walks in from the first door to the station nearest to the work point, reaches to it, and
    presses the reset button `service` seconds after arriving; then leaves. A service too short for
    a reach and the walk to the button is done at the button. When `way` (s) is longer than the walk
    through the modelled area, the operator appears later; when it is shorter than a walk at
    1.6 m/s, `arrived` is later than called + way: believe the times in the answer.
    """
    door, (x, y, yaw) = place.doors[0], place.reset
    station = min(place.stations, key=lambda s: hypot(s[0] - work[0], s[1] - work[1]))
    path, facing = way_in(door, station, place), station[2]
    pressing = (Walk(way_in((x, y), station, place)[::-1], SPEED), Turn(yaw), Wait(PRESS))
    leaving = Walk(route((x, y), door, place), SPEED, to_rest=False)

    def plan(speed: float, start: float, *doing: Movement) -> Visit:
        movements = (Walk(path, speed, from_rest=False), Turn(facing), *doing, leaving)
        return Visit(start, "operator", "operator", "operator", movements, HEIGHT, place.ground)

    def reach(seconds: float) -> Reach:
        point = (work[0], work[1], max(work[2], OVER))
        return Reach((point,), 0.9, min(3.0, max(0.2, seconds - 2.5)))

    _, there, back, *_, pressed, _ = plan(SPEED, 0.0, reach(0.0), *pressing).ends()
    hands = service - (pressed - back)  # s for the work itself
    once = plan(SPEED, 0.0, reach(hands), *pressing).ends()[2] - there
    doing: tuple[Movement, ...]
    if hands >= once:
        count = max(1, int(hands / (once + 0.5)))
        doing, last = (reach(hands), Wait(hands / count - once)) * count + pressing, -5
    else:
        path, facing = route(door, (x, y), place), yaw
        doing, last = (Wait(max(0.0, service - PRESS)), Wait(PRESS)), -3
    speed = SPEED
    walked = plan(speed, 0.0, *doing).ends()[1]
    if walked > way:
        speed = SPEED_MAX
        walked = plan(speed, 0.0, *doing).ends()[1]
    visit = plan(speed, called + max(0.0, way - walked), *doing)
    ends = visit.ends()
    return OperatorVisit(visit, ends[1], ends[last], ends[-2], ends[-1])
