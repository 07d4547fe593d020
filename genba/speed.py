"""Where the time of a step goes, against the bare physics of the same world in the same motion."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

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

Blocks = list[dict[str, float]]


class Stopwatch:
    """Adds up the seconds spent in a function that it takes the place of."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.seconds = 0.0
        self.calls = 0

    def __call__(self, *args: Any) -> Any:
        start = time.perf_counter()
        result = self.function(*args)
        self.seconds += time.perf_counter() - start
        self.calls += 1
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
        self.physics = cell.physics = Stopwatch(cell.physics)
        self.safety = cell.filter = Stopwatch(cell.filter)
        self.audit = None if log is None else Timed(log)
        cell.layer.recorder = self.audit
        self.agent: Any = make_agent(agent, self.env)
        self.shared = scenario.people.visits_per_hour > 0
        self.seed = 0
        self.reset()

    def reset(self) -> float:
        """The next episode; returns the seconds that took."""
        self.seed += 1
        start = time.perf_counter()
        self.observation, info = self.env.reset(seed=self.seed)
        spent = time.perf_counter() - start
        self.agent.reset(self.observation, info)
        return spent

    def block(self, steps: int) -> dict[str, float]:
        """Seconds of physics, safety, audit log and all, a control step, over `steps` steps.

        Steps in which the robot is locked out for a person have no physics and are not counted;
        where the scenario has people, only steps with somebody in the cell are.
        """
        spent = {"physics": 0.0, "safety": 0.0, "audit": 0.0, "total": 0.0}
        counted = 0
        for _ in range(MOST * steps):
            action = self.agent.act(self.observation)
            physics, safety, calls = self.physics.seconds, self.safety.seconds, self.physics.calls
            audit = self.audit.seconds if self.audit is not None else 0.0
            start = time.perf_counter()
            self.observation, _, terminated, truncated, _ = self.env.step(action)
            total = time.perf_counter() - start
            present = bool(self.env.unwrapped.state.people) or not self.shared
            if self.physics.calls > calls and present:
                spent["total"] += total
                spent["physics"] += self.physics.seconds - physics
                spent["safety"] += self.safety.seconds - safety
                spent["audit"] += self.audit.seconds - audit if self.audit is not None else 0.0
                counted += 1
            if terminated or truncated:
                self.reset()
            if counted == steps:
                break
        return {name: seconds / max(counted, 1) for name, seconds in spent.items()}


def speed(name: str, steps: int, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Medians over blocks of `steps` control steps; the times are this machine's, ratios carry.

    Raises ScenarioError.
    """
    import_physics()
    from genba.safety.audit import AuditLog, Book

    many = load(name, overrides)
    with tempfile.TemporaryDirectory() as folder, AuditLog(Book(Path(folder) / "log")) as log:
        cells = [Running(many, "scripted"), Running(many, "scripted", log)]
        if many.cell == "kitting":  # a tote of ten parts against a tote of one
            cells.append(Running(load(name, [*overrides, FEW]), "scripted"))
        try:
            for cell in cells:
                cell.block(steps)  # compiles, warms up
            blocks = [[cell.block(steps) for cell in cells] for _ in range(BLOCKS)]
            resets = [cells[0].reset() for _ in range(RESETS)]
        finally:
            for cell in cells:
                cell.env.close()
    if not all(one["physics"] > 0.0 for block in blocks for one in block):
        raise ScenarioError(
            f"{name}: nobody was there in a block of {steps} steps; give more --steps"
        )
    row = summary([b[0] for b in blocks], resets)
    ratio = median(b[0]["total"] / b[2]["total"] for b in blocks) if len(cells) == 3 else None
    layer = layer_speed(many, KEPT * steps)
    return {"name": many.name, **row, **audited(blocks), "parts_10_over_1": ratio, **layer}


def audited(blocks: Sequence[Blocks]) -> dict[str, float]:
    """What the audit log costs, from blocks of a cell without one and of the same cell with one."""
    return {
        "audit_share": median(b[1]["audit"] / b[1]["total"] for b in blocks),
        "with_audit_over_without": median(b[1]["total"] / b[0]["total"] for b in blocks),
    }


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
