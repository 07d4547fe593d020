"""Where the time of a step goes, against the bare physics of the same world in the same motion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from genba.agents import make as make_agent
from genba.console import import_physics
from genba.envs import make as make_env
from genba.scenarios import Scenario, load

BLOCKS = 5  # interleaved, so that what else the machine does falls on all alike
RESETS = 5


def speed(
    name: str, steps: int, overrides: Sequence[str] = (), agent: str = "scripted"
) -> dict[str, Any]:
    """Medians over blocks of `steps` control steps each; times are of this machine, ratios carry.

    Physics is the stepSimulation inside the very steps that are measured, so world and motion are
    the same by construction. Raises ScenarioError.
    """
    import_physics()
    many = load(name, overrides)
    few = load(name, [*overrides, "task.parts=1"]) if _has_parts(many) else None
    cells = [_Running(s, agent, steps) for s in (many, few) if s is not None]
    try:
        for cell in cells:
            cell.block()  # compiles and warms up
        blocks = [[cell.block() for cell in cells] for _ in range(BLOCKS)]
        resets = [cells[0].reset() for _ in range(RESETS)]
    finally:
        for cell in cells:
            cell.env.close()
    return {"name": many.name, **_summary(blocks, resets, steps)}


def _has_parts(scenario: Scenario) -> bool:
    return scenario.cell == "kitting"


def _summary(
    blocks: list[list[dict[str, float]]], resets: list[float], steps: int
) -> dict[str, Any]:
    first = [block[0] for block in blocks]
    step = median(b["wall"] for b in first) / steps
    rows: dict[str, Any] = {
        "step_over_physics": median(b["total"] / b["physics"] for b in first),
        "safety_share": median(b["safety"] / b["total"] for b in first),
        "physics_share": median(b["physics"] / b["total"] for b in first),
        "step_us": 1e6 * step,
        "physics_us": 1e6 * median(b["physics"] for b in first) / steps,
        "safety_us": 1e6 * median(b["safety"] for b in first) / steps,
        "steps_per_second": 1.0 / step,
        "reset_in_steps": median(resets) / step,
        "parts_10_over_1": None,
    }
    if len(blocks[0]) == 2:
        rows["parts_10_over_1"] = median(b[0]["wall"] / b[1]["wall"] for b in blocks)
    return {k: None if v is None else round(v, 4) for k, v in rows.items()}


class _Running:
    """A cell at work, whose blocks of steps continue one another."""

    def __init__(self, scenario: Scenario, agent: str, steps: int) -> None:
        self.env: Any = make_env(scenario)
        self.agent = make_agent(agent, self.env)
        self.steps = steps
        self.seed = 1
        self.reset()

    def reset(self) -> float:
        """Seconds of wall clock."""
        start = time.perf_counter()
        self.observation, info = self.env.reset(seed=self.seed)
        spent = time.perf_counter() - start
        self.seed += 1
        self.agent.reset(self.observation, info)
        return spent

    def block(self) -> dict[str, float]:
        """Seconds spent on physics, safety, total (the environment's own accounts) and wall."""
        cell = self.env.unwrapped
        cell.profile = False
        wall = self._play()
        cell.profile = True
        before = dict(cell.timing)
        self._play()
        after = dict(cell.timing)
        spent = {k: after[k] - before.get(k, 0.0) for k in ("physics", "safety", "total")}
        return {"wall": wall, **spent}

    def _play(self) -> float:
        spent = 0.0
        for _ in range(self.steps):
            action = self.agent.act(self.observation)
            start = time.perf_counter()
            self.observation, _, terminated, truncated, info = self.env.step(action)
            spent += time.perf_counter() - start
            if terminated or truncated:
                self.reset()
        return spent
