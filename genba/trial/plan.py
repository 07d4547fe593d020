"""What a trial plays: profiles, cells, robots, adversaries and faults, an episode each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

from genba.bench.results import Row
from genba.safety import PROFILES
from genba.scenarios import Scenario, ScenarioError, load, names
from genba.trial.faults import FAULTS, merged

PARTS = ("adversaries", "broken", "cost")
SECONDS = 60.0  # of an episode with adversaries
COST_SECONDS = 300.0  # of an episode of honest work
SHIPPED = (
    "unprotected", "pfl", "ssm_pfl", "ssm_reach", "ssm_iso", "shared", "fence", "stop_always",
)  # fmt: skip
TRIED = ("ssm_iso", "ssm_reach", "pfl", "ssm_pfl", "shared")  # with adversaries, by default
BROKEN = ("ssm_iso", "ssm_reach", "pfl")
UNPROTECTED = "unprotected"
TRAFFIC = "people.visits_per_hour"

# who drives the robot, and through which controls: the elbow is led best joint by joint
DRIVERS = (
    ("adversary_chase", "twist"), ("adversary_chase", "joint_velocity"),
    ("adversary_reverse", "twist"), ("adversary_reverse", "joint_velocity"),
    ("adversary_wander", "twist"), ("adversary_wander", "joint_velocity"),
    ("adversary_learned", "twist"), ("adversary_learned_ssm", "twist"),
)  # fmt: skip

_SOON: Row = {"mean": 1.0, "cv": 0.0}  # s
VISITS = 400.0  # an hour, of people who come one after the other
# as fast as a robot goes, people all the time, and nobody who waits for long
SETTING: Row = {
    "tcp_speed": 1.7, "tcp_turn": 2.5, "joint_speed": 1.0, "cycle_timeout": 1e6,
    "people": {
        "visits_per_hour": VISITS,
        "behaviours": {
            "indifferent": 0.1, "helpful": 0.1, "antagonistic": 0.2, "attacking": 0.6
        },
    },
    "operator": {
        "notice": [0.1, 0.2], "distance": 0.0, "walking_speed": 1.6, "takeover": _SOON,
        "local_reset": _SOON, "jam_clear": _SOON, "rework": _SOON, "failure": _SOON,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """One episode of a trial."""

    part: str
    profile: str
    scenario: Scenario
    agent: str
    seed: int
    fault: str = ""
    level: float = 0.0

    def row(self) -> Row:
        """The part of its row that is known before it is played."""
        return {
            "part": self.part, "profile": self.profile, "fault": self.fault, "level": self.level,
            "scenario": self.scenario.name, "cell": self.scenario.cell,
            "robot": self.scenario.robot, "action": self.scenario.action,
            "config": self.scenario.fingerprint(), "agent": self.agent,
            "agent_hash": f"{self.part} {self.fault} {self.level:g}",
            "seed": self.seed, "seconds": self.scenario.seconds,
        }  # fmt: skip


def known(profiles: Iterable[str]) -> list[str]:
    """Those of the profiles that there are, in their order."""
    return [name for name in profiles if name in PROFILES]


def cells() -> list[tuple[str, str]]:
    """Every cell with every robot."""
    from genba.envs import CELLS
    from genba.sim.robots import ROBOTS

    return list(product(CELLS, ROBOTS))


def scenario(cell: str, robot: str, action: str, changes: Mapping[str, Any]) -> Scenario:
    """The scenario of an episode with adversaries; `changes` are merged into its keys."""
    base = {
        "name": f"trial_{cell}_{robot}", "cell": cell, "robot": robot, "action": action,
        "seconds": SECONDS, **SETTING,
    }  # fmt: skip
    return Scenario.model_validate(merged(base, changes))


def episodes(hours: float, seconds: float = SECONDS) -> int:
    """How many episodes of `seconds` make up so many hours, one at least."""
    return max(1, ceil(hours * 3600.0 / seconds - 1e-9))


def adversaries(profiles: Sequence[str], hours: float, seed: int) -> list[Job]:
    """`hours` of each profile; every profile meets the same people and the same drivers.

    Longer trials begin with the shorter ones, episode by episode.
    """
    grid = _grid()
    found = []
    for k in range(episodes(hours)):
        (cell, robot), (agent, action) = grid[k % len(grid)]
        for profile in profiles:
            played = scenario(cell, robot, action, {"safety": profile})
            found.append(Job("adversaries", profile, played, agent, seed + k // len(grid)))
    return found


def _grid() -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Cells and drivers so that a short trial has some of each."""
    places = cells()
    return [
        (places[(i + k) % len(places)], driver)
        for i in range(len(places))
        for k, driver in enumerate(DRIVERS)
    ]


def broken(profiles: Sequence[str], hours: float, seed: int) -> list[Job]:
    """Each assumption broken at each level, `hours` of each profile; same people everywhere."""
    grid = _grid()
    found = []
    for k in range(episodes(hours)):
        (cell, robot), (agent, action) = grid[k % len(grid)]
        for profile, (name, fault) in product(profiles, FAULTS.items()):
            for level in fault.levels:
                changes = {**fault.make(level), "safety": profile}
                played = scenario(cell, robot, action, changes)
                at = seed + k // len(grid)
                found.append(Job("broken", profile, played, agent, at, name, level))
    return found


def cost(
    profiles: Sequence[str], hours: float, seed: int, overrides: Sequence[str] = ()
) -> list[Job]:
    """The scripted agent at work among people, `hours` of each profile and scenario.

    Every scenario is tried as it is and, under its name with `_busy`, with VISITS an hour.
    `overrides` change the scenarios; where they say how many people come, so many do. Raises
    ScenarioError.
    """
    keys = [text.partition("=")[0].strip() for text in overrides]
    for text, key in zip(overrides, keys, strict=True):
        if (first := key.partition(".")[0]) in ("safety", "seconds", "name"):
            raise ScenarioError(f"override {text}: a trial sets {first} itself")
    tried: list[tuple[str, list[str]]] = []
    for name in (name for name in names() if name.endswith("_shared")):
        tried.append((name, []))
        if "people" not in keys and TRAFFIC not in keys:
            tried.append((name, [f"name={name}_busy", f"{TRAFFIC}={VISITS:g}"]))
    return [
        Job("cost", profile,
            load(name, [*overrides, *more, f"safety={profile}", f"seconds={COST_SECONDS}"]),
            "scripted", seed + k)
        for k in range(episodes(hours, COST_SECONDS))
        for name, more in tried
        for profile in profiles
    ]  # fmt: skip
