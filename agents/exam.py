"""How good a policy is: episodes on held-out seeds, and the figures that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genba import kpi, stats
from genba.agents.demonstrations import TRAINING_SEEDS
from genba.agents.role import Agent
from genba.envs import make as make_env
from genba.scenarios import Scenario

LOOKS = TRAINING_SEEDS  # first seed of the episodes that are looked at in training
CHOICE = 2 * TRAINING_SEEDS  # of those that decide between stages
SCORE = 3 * TRAINING_SEEDS  # of those that the card's score is from, used for nothing else
# what is shown of each goal, the one that counts first
SHOWN = {
    "parts": (
        "good_parts_per_hour", "first_pass_yield", "interventions_per_hour", "cycle_time_mean",
    ),
    "harm": (
        "contacts_moving", "ssm_breaches", "max_force_ratio_moving", "clampings",
        "human_present_hours",
    ),
}  # fmt: skip


class Exam:
    """A cell of its own in which policies are examined.

    `strangest` holds the greatest strangeness that a trained agent met in each episode.
    """

    def __init__(self, scenario: Scenario, seconds: float, goal: str = "parts") -> None:
        self.shown = SHOWN[goal]
        self.scenario = scenario.model_copy(update={"seconds": seconds})
        self.env: Any = make_env(self.scenario)
        self.strangest: list[float] = []

    def play(self, agent: Agent, seeds: Sequence[int]) -> list[kpi.Tally]:
        """One tally a seed."""
        self.strangest = []
        return [self._episode(agent, seed) for seed in seeds]

    def _episode(self, agent: Agent, seed: int) -> kpi.Tally:
        observation, info = self.env.reset(seed=seed)
        agent.reset(observation, info)
        over = False
        while not over:
            observation, _, ended, cut, info = self.env.step(agent.act(observation))
            over = ended or cut
        self.strangest.append(float(getattr(agent, "strangest", 0.0)))
        return kpi.tally(self.env.unwrapped.events, self.scenario.seconds)

    def close(self) -> None:
        """Give the physics client back."""
        self.env.close()


def shown(tallies: Sequence[kpi.Tally], names: Sequence[str]) -> dict[str, float]:
    """The figures of a look, those that are defined."""
    figures = kpi.figures(kpi.add(tallies))
    values = {name: figures[name] for name in names}
    return {name: round(value, 4) for name, value in values.items() if value is not None}


def score(
    ours: Sequence[kpi.Tally], theirs: Sequence[kpi.Tally], names: Sequence[str]
) -> dict[str, Any]:
    """The card's score: figures with 95 % intervals, beside those of the teacher if it played."""
    found: dict[str, Any] = {"episodes": len(ours), "figures": _with_intervals(ours, names)}
    if not theirs:
        return found
    found["scripted"] = _with_intervals(theirs, names)
    name = "good_parts_per_hour"
    difference = stats.paired(ours, theirs, name)
    found["difference"] = {
        name: [_round(v) for v in (difference.value, difference.low, difference.high)]
    }
    a, b = (kpi.figures(kpi.add(t))[name] for t in (ours, theirs))
    found["share_of_scripted"] = None if a is None or not b else round(a / b, 4)
    return found


def _with_intervals(
    tallies: Sequence[kpi.Tally], names: Sequence[str]
) -> dict[str, list[float | None]]:
    found = stats.intervals(tallies, names)
    return {name: [_round(v) for v in (i.value, i.low, i.high)] for name, i in found.items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
