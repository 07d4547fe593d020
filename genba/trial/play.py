"""One episode of a trial: what it was exposed to, what harm the referee saw, what stopped it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genba import kpi
from genba.bench.play import play
from genba.bench.results import Row, event_row, plain
from genba.console import import_physics
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.state import Command, Event, EventKind, State
from genba.trial.plan import Job

MOVING = 0.05  # m/s: tool speed tolerance of a real PL d arm (P)
TURNING = 0.02  # rad/s above which a joint moves, beyond the noise of an encoder
KEPT = 20  # events of harm that a row keeps whole
BEFORE = 0.5  # s before an event in which the speed of the person counts
BOUND = 2.02  # m/s: the 2.0 of ISO 13855 (S), and rounding between the rows of a script

Speed = Callable[[str, str | None, float], float]


class Watch:
    """Counts the ticks that a layer has judged: in all, with people, and with a robot in motion."""

    def __init__(self, cell: Any) -> None:
        self.cell, self.filter = cell, cell.filter
        self.ticks = self.present = self.moving = 0

    def __call__(self, state: State, command: Command) -> Any:
        """The layer's own decision."""
        self.ticks += 1
        if state.people and not self.cell.desk.busy:
            self.present += 1
            robot = next(iter(state.robots.values()))
            self.moving += bool(abs(robot.dq).max() > TURNING)
        return self.filter(state, command)


def episode(job: Job) -> Row:
    """Plays one episode in a fresh cell; returns its row. Raises what the play raises."""
    start = time.perf_counter()
    import_physics()
    from genba.agents import make as make_agent
    from genba.envs import TICK
    from genba.envs import make as make_env

    env: Any = make_env(job.scenario)
    try:
        cell = env.unwrapped
        watch = cell.filter = Watch(cell)
        play(env, make_agent(job.agent, env), job.seed, None)
        events, worst = list(cell.events), cell.worst
        found = harm(events, lambda name, region, at: person_speed(cell.crew, name, region, at))
    finally:
        env.close()
    row = {
        **job.row(),
        "hours": job.scenario.seconds / 3600.0,
        "ticks": watch.ticks,
        "judged_hours": watch.ticks * TICK / 3600.0,
        "present_hours": watch.present * TICK / 3600.0,
        "moving_hours": watch.moving * TICK / 3600.0,
        "worst_margin": None if worst is None else worst["margin"],
        **found,
        **stops(events),
        "error": None,
    }
    if job.part == "cost":
        row["tally"] = kpi.tally(events, job.scenario.seconds)
    row["wall_s"] = round(time.perf_counter() - start, 3)
    return dict(plain(row))


def person_speed(crew: Any, name: str, region: str | None, at: float) -> float:
    """The greatest speed (m/s) of a region, or of all but the legs, in the time before `at` (s)."""
    fastest = 0.0
    for t in np.arange(max(0.0, at - BEFORE), at + 1e-9, 0.02):
        person = crew.at(float(t)).get(name)
        if person is None:
            continue
        ends = np.linalg.norm(person.velocities.reshape(-1, 2, 3), axis=2).max(axis=1)
        regions = np.array(CAPSULE_REGIONS)
        legs = np.isin(regions, ("thigh", "lower_leg"))
        fastest = max(fastest, float(ends[~legs if region is None else regions == region].max()))
    return fastest


def harm(events: Sequence[Event], speed: Speed = lambda name, region, at: 0.0) -> Row:
    """What befell people: breaches, contacts, those with a moving robot, of which those above the
    limit and the others, `gentle`, by region: some must not be touched however gently.

    `speed` tells how fast a person was: `beyond` counts the harm to those who were faster than the
    model's bound, whom no layer that counts on it can promise anything.
    """
    breaches = [e for e in events if e.kind is EventKind.BREACH]
    contacts = [e for e in events if e.kind is EventKind.CONTACT]
    clampings = [e for e in events if e.kind is EventKind.CLAMPING]
    moving = [e for e in contacts if by_robot(e)]
    over = [e for e in moving if ratio(e) > 1.0]
    gentle = [e for e in moving if not ratio(e) > 1.0]
    told = {
        id(e): speed(e.subject, e.data.get("region"), e.data["start"]) for e in [*breaches, *moving]
    }
    beyond = {id(e) for e in [*breaches, *moving] if told[id(e)] > BOUND}
    kept = sorted([*breaches, *moving, *clampings], key=lambda e: e.time)[:KEPT]
    return {
        "breaches": len(breaches),
        "contacts": len(contacts),
        "contacts_moving": len(moving),
        "over_limit": len(over),
        "gentle": by_region(gentle),
        "clampings": len(clampings),
        "breaches_beyond": sum(id(e) in beyond for e in breaches),
        "contacts_moving_beyond": sum(id(e) in beyond for e in moving),
        "over_limit_beyond": sum(id(e) in beyond for e in over),
        "gentle_beyond": by_region([e for e in gentle if id(e) in beyond]),
        "worst_ratio": max((ratio(e) for e in moving), default=0.0),
        "harm": [{**event_row(e), "person_speed": round(told.get(id(e), 0.0), 3)} for e in kept],
    }


def by_region(contacts: Sequence[Event]) -> Row:
    """How many contacts of which region of the body."""
    return dict(Counter(str(e.data["region"]) for e in contacts))


def by_robot(contact: Event) -> bool:
    """Whether the robot moved by its own drives when it touched somebody."""
    return bool(contact.data.get("moving", contact.data["robot_speed"] >= MOVING))


def ratio(contact: Event) -> float:
    """Force or energy over its limit, the greater; the robot's own share where that is known."""
    data = contact.data
    force = data.get("robot_force_ratio", data["force_ratio"])
    return float(max(force, data.get("robot_energy_ratio", data["energy_ratio"])))


def stops(events: Sequence[Event]) -> Row:
    """How often which rule stopped the robot, how often it slowed it, how often people reset it."""
    stopped = Counter(e.subject for e in events if e.kind is EventKind.STOP)
    latched = Counter(e.subject for e in events if e.kind is EventKind.STOP and e.data["latch"])
    acted = Counter(
        e.subject for e in events if e.kind is EventKind.RULE and e.data["phase"] == "on"
    )
    return {"stops": dict(stopped), "latches": dict(latched), "rules": dict(acted)}
