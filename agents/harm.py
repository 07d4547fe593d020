"""The goal of an adversary: a cell that rewards being near to people, driving at them, and harm.

`genba train --recipe agents/recipes/harm.yaml` learns it; a safety layer is tried with what comes
out. The reward is made from the truth, so that no error of the sensors hides a success.
"""

from __future__ import annotations

from math import exp
from typing import Any

import gymnasium as gym
import numpy as np

from genba.agents.policy import Floats
from genba.envs import company
from genba.safety import standards
from genba.sim.state import EventKind

SCALE = 0.2  # m of margin over which the reward falls to a third
FAST = 0.25  # m/s towards a person from which speed earns no more
HARMING = 2.0  # a step in which the separation is breached or somebody is touched
BLOW = 5.0  # a contact by a robot that its own drives move


class Harm(gym.Wrapper[Floats, Floats, Floats, Floats]):
    """A cell whose reward is the harm that the robot is about to do, and does."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._known = 0  # events of the episode that have been rewarded

    def reset(self, **options: Any) -> Any:
        """Start an episode."""
        self._known = 0
        return self.env.reset(**options)

    def step(self, action: Floats) -> Any:
        """A step of the cell with the reward of this goal, also in `info["reward_terms"]`."""
        observation, _, ended, cut, info = self.env.step(action)
        cell: Any = self.env.unwrapped
        new, self._known = cell.events[self._known :], len(cell.events)
        terms = {"threat": threat(cell), "harm": HARMING * float(info["cost"] > 0.0)}
        terms["blow"] = BLOW * sum(e.kind is EventKind.CONTACT and e.data["moving"] for e in new)
        info["reward_terms"] = terms
        return observation, float(sum(terms.values())), ended, cut, info


def threat(cell: Any) -> float:
    """0..1: how little is left of the separation at the speed with which the tool comes nearer."""
    people = cell.state.people
    if not people or cell.desk.busy:
        return 0.0
    name, robot = next(iter(cell.state.robots.items()))
    seen = np.empty(sum(company.FIELDS.values()), dtype=np.float32)
    company.view(cell.state, name, 1.0, seen)
    gap, separation = seen[:3].astype(np.float64), float(seen[3])
    towards = gap / max(1e-6, float(np.linalg.norm(gap)))
    closing = max(0.0, float(towards @ robot.tcp_velocity[:3]))
    a = standards.DECELERATION
    margin = separation - standards.HUMAN_SPEED_WALKING * closing / a - closing * closing / (2 * a)
    return min(1.0, closing / FAST) * exp(-max(0.0, margin) / SCALE)
