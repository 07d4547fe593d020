"""Where the time of a step goes, against the bare physics of the same world in the same motion."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from genba.console import import_physics
from genba.scenarios import Scenario, ScenarioError, load
from genba.speed_rules import layer_speed

if TYPE_CHECKING:
    from genba.safety.audit import AuditLog

BLOCKS = 7  # interleaved, so that what else the machine does falls on all alike
RESETS = 5
FEW = "task.parts=1"
KEPT = 20  # ticks that the layer alone is measured on, for each step asked
MOST = 50  # steps played for one that counts, at most

# what a step is made of: whose functions, under the cell, and what they are called
PARTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "physics": [("", "physics")],
    "joints read": [("world", "encoders")],
    "kinematics": [("arm", "state")],
    "people": [("crew", "at")],
    "sensors": [("sensors", "measure")],
    "command": [("arm", "command")],
    "safety layer": [("", "filter")],
    "controller": [("arm", "carry_out")],
    "joints driven": [("world", "drive")],
    "referee": [("referee", "watch")],
    "task": [("task", "advance"), ("task", "reward"), ("arm", "feel")],
    "observation": [("", "_observe")],
    "record": [("", "_write")],
}

Blocks = list[dict[str, float]]


class Stopwatch:
    """Adds up the seconds spent in a function that it takes the place of.

    Those that share `inner` count their own time alone, without that of one called within.
    """

    def __init__(self, function: Callable[..., Any], inner: list[float] | None = None) -> None:
        self.function, self.inner = function, inner
        self.seconds = 0.0

    def __call__(self, *args: Any) -> Any:
        inner = self.inner
        outside = 0.0
        if inner is not None:
            outside, inner[0] = inner[0], 0.0
        start = time.perf_counter()
        result = self.function(*args)
        spent = time.perf_counter() - start
        self.seconds += spent
        if inner is not None:
            self.seconds -= inner[0]
            inner[0] = outside + spent
        return result


class Timed:
    """A recorder whose every call is timed."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log
        self.begin, self.mend = log.begin, log.mend
        self.tick, self.reset = Stopwatch(log.tick), Stopwatch(log.reset)
        self.skipped = Stopwatch(log.skipped)

    @property
    def failed(self) -> bool:
        """As the log says."""
        return self.log.failed

    @property
    def seconds(self) -> float:
        """Spent in it so far."""
        return self.tick.seconds + self.reset.seconds + self.skipped.seconds


class Part:
    """A part of a step, whose functions are watched."""

    def __init__(self) -> None:
        self.stopwatches: list[Stopwatch] = []

    @property
    def seconds(self) -> float:
        """Spent in it so far."""
        return sum(one.seconds for one in self.stopwatches)


class Watch(Protocol):
    """What adds up seconds."""

    @property
    def seconds(self) -> float: ...


class Running:
    """A cell at work, whose blocks of steps continue one another.

    The environment calls its physics and its safety layer through `physics` and `filter`; the
    stopwatches take their places, so world, motion and time are those of the very steps measured.
    """

    def __init__(self, scenario: Scenario, agent: str, log: AuditLog | None = None) -> None:
        from genba.agents import make as make_agent
        from genba.envs import make as make_env

        self.env: Any = make_env(scenario)
        cell: Any = self.env.unwrapped
        self.watches = self.watch(cell)
        if log is not None:
            self.watches["audit"] = cell.layer.recorder = Timed(log)
        self.agent: Any = make_agent(agent, self.env)
        self.shared = scenario.people.visits_per_hour > 0
        self.seed = 0
        self.reset()

    def watch(self, cell: Any) -> dict[str, Watch]:
        """Stopwatches in the places of what is measured."""
        physics = cell.physics = Stopwatch(cell.physics)
        safety = cell.filter = Stopwatch(cell.filter)
        return {"physics": physics, "safety": safety}

    def reset(self) -> float:
        """The next episode; returns the seconds that took."""
        self.seed += 1
        start = time.perf_counter()
        self.observation, info = self.env.reset(seed=self.seed)
        spent = time.perf_counter() - start
        self.agent.reset(self.observation, info)
        return spent

    def block(self, steps: int) -> dict[str, float]:
        """Seconds of all and of each that is watched, a control step, over `steps` steps.

        Steps in which the robot is locked out for a person have no physics and are not counted;
        where the scenario has people, only steps with somebody in the cell are.
        """
        spent = dict.fromkeys(("total", *self.watches), 0.0)
        counted = 0
        for _ in range(MOST * steps):
            action = self.agent.act(self.observation)
            before = {name: watch.seconds for name, watch in self.watches.items()}
            start = time.perf_counter()
            self.observation, _, terminated, truncated, _ = self.env.step(action)
            total = time.perf_counter() - start
            present = bool(self.env.unwrapped.state.people) or not self.shared
            if present and self.watches["physics"].seconds > before["physics"]:
                spent["total"] += total
                for name, watch in self.watches.items():
                    spent[name] += watch.seconds - before[name]
                counted += 1
            if terminated or truncated:
                self.reset()
            if counted == steps:
                break
        return {name: seconds / max(counted, 1) for name, seconds in spent.items()}


class Dissected(Running):
    """A cell of whose steps each of PARTS is watched, which takes time of its own."""

    def watch(self, cell: Any) -> dict[str, Watch]:
        """One for each part; they are put in their places when an episode begins."""
        self.inner = [0.0]
        self.parts = {name: Part() for name in PARTS}
        return dict(self.parts)

    def reset(self) -> float:
        """The next episode, whose people and sensors are new."""
        spent = super().reset()
        cell: Any = self.env.unwrapped
        for name, part in self.parts.items():
            for whose, what in PARTS[name]:
                owner = getattr(cell, whose) if whose else cell
                if not isinstance(function := getattr(owner, what), Stopwatch):
                    part.stopwatches.append(Stopwatch(function, self.inner))
                    setattr(owner, what, part.stopwatches[-1])
        return spent


def speed(name: str, steps: int, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Medians over blocks of `steps` control steps; the times are this machine's, ratios carry.

    `parts` and `rules` are lists of parts of a step and of rules of the layer, the rest are
    numbers. Raises ScenarioError.
    """
    import_physics()
    from genba.safety.audit import AuditLog, Book

    many = load(name, overrides)
    with tempfile.TemporaryDirectory() as folder, AuditLog(Book(Path(folder) / "log")) as log:
        cells = [
            Running(many, "scripted"), Running(many, "scripted", log), Dissected(many, "scripted")
        ]  # fmt: skip
        if many.cell == "kitting":  # a tote of ten parts against a tote of one
            cells.append(Running(load(name, [*overrides, FEW]), "scripted"))
        try:
            for cell in cells:
                cell.block(steps)  # compiles, warms up
            rounds = [[cell.block(steps) for cell in cells] for _ in range(BLOCKS)]
            resets = [cells[0].reset() for _ in range(RESETS)]
        finally:
            for cell in cells:
                cell.env.close()
    if not all(one["physics"] > 0.0 for blocks in rounds for one in blocks):
        raise ScenarioError(
            f"{name}: nobody was there in a block of {steps} steps; give more --steps"
        )
    plain, audit, dissected, *few = map(list, zip(*rounds, strict=True))
    return {
        "name": many.name,
        **summary(plain, resets),
        "audit_share": median(b["audit"] / b["total"] for b in audit),
        "with_audit_over_without": _over(audit, plain),
        "parts_10_over_1": _over(plain, few[0]) if few else None,
        "parts": parted(dissected),
        **layer_speed(many, KEPT * steps),
    }


def _over(one: Blocks, other: Blocks) -> float:
    """The time of a step over that of a step of the other cell, in blocks of the same minute."""
    return median(a["total"] / b["total"] for a, b in zip(one, other, strict=True))


def parted(blocks: Blocks) -> list[dict[str, Any]]:
    """Each part of a step, {"name", "us", "over_physics"}; what is in none of them comes last."""
    rest = [{**b, "all else": b["total"] - sum(b[name] for name in PARTS)} for b in blocks]
    return [
        {
            "name": name,
            "us": 1e6 * median(b[name] for b in rest),
            "over_physics": median(b[name] / b["physics"] for b in rest),
        }
        for name in (*PARTS, "all else")
    ]


def summary(blocks: Blocks, resets: Sequence[float]) -> dict[str, float]:
    """The figures of one cell from the seconds a step of its blocks."""
    step = median(b["total"] for b in blocks)
    return {
        "step_over_physics": median(b["total"] / b["physics"] for b in blocks),
        "safety_share": median(b["safety"] / b["total"] for b in blocks),
        "step_us": 1e6 * step,
        "physics_us": 1e6 * median(b["physics"] for b in blocks),
        "safety_us": 1e6 * median(b["safety"] for b in blocks),
        "steps_per_second": 1.0 / step,
        "reset_in_steps": median(resets) / step,
    }
