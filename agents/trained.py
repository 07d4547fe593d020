"""Agents that were trained: those that ship, one a cell, and anybody's from a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genba.agents.card import WEIGHTS, Card, load
from genba.agents.policy import Policy
from genba.agents.role import Action, AgentError, Observation

HERE = Path(__file__).parent / "weights"
SPEEDS = {"twist": "tcp_speed and tcp_turn", "joint_velocity": "joint_speed"}  # keys of a scenario


class Trained:
    """A policy in an environment: finds its observations by name, and minds the speeds.

    Tells the cell at every step how uncertain it is: 1 is the conformal threshold of its card.
    """

    def __init__(self, card: Card, policy: Policy, env: Any) -> None:
        cell = env.unwrapped
        _same_controls(card, cell)
        self.brain = policy.brain(places(card.observations, cell.fields))
        self.fingerprint = card.fingerprint()
        self.gain = _gain(card, cell.scenario)
        self.strangest = 0.0  # of the observations since the reset
        self._cell, self._level = cell, card.doubt.strangeness if card.doubt else None

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Nothing to forget but the strangest observation."""
        self.strangest = 0.0

    def act(self, observation: Observation) -> Action:
        """(k,) action of an observation."""
        action = self.brain(observation)
        strange = self.brain.strangeness
        self.strangest = max(self.strangest, strange)
        if self._level is not None:
            self._cell.machines["uncertainty"] = strange / self._level
        if self.gain is not None:
            action = np.clip(action * self.gain, np.float32(-1.0), np.float32(1.0))
        return action


def shipped(env: Any) -> Trained:
    """The policy that ships for the environment's cell. Raises AgentError where there is none."""
    cell = env.unwrapped.scenario.cell
    if not (HERE / cell / WEIGHTS).is_file():
        raise AgentError(f"trained: no policy ships for the cell {cell!r}; see genba train --help")
    return _made("trained", HERE / cell, env)


def from_path(path: Path, env: Any) -> Trained:
    """The policy of a folder or of a weights file. Raises AgentError, one line."""
    return _made(str(path), path, env)


def _made(name: str, path: Path, env: Any) -> Trained:
    card, policy = load(path)  # whose errors name the file
    try:
        return Trained(card, policy, env)
    except AgentError as error:
        raise AgentError(f"{name}: {error}") from None


def places(wanted: Mapping[str, int], fields: Mapping[str, int]) -> Sequence[int]:
    """Where the wanted observations lie among all. Raises AgentError for one that differs."""
    at = dict(zip(fields, np.cumsum([0, *fields.values()]).tolist(), strict=False))
    found: list[int] = []
    for name, length in wanted.items():
        if name not in fields:
            raise AgentError(f"the policy reads {name!r}, which this cell does not observe")
        if fields[name] != length:
            raise AgentError(
                f"the policy reads {length} numbers of {name!r}, here are {fields[name]}"
            )
        found += range(at[name], at[name] + length)
    return found


def speeds(scenario: Any) -> tuple[float, float]:
    """What an action of 1 means in a scenario."""
    if scenario.action == "twist":
        return scenario.tcp_speed, scenario.tcp_turn
    return scenario.joint_speed, scenario.joint_speed


def _same_controls(card: Card, cell: Any) -> None:
    scenario, size = cell.scenario, cell.action_space.shape[0]
    if card.cell != scenario.cell:
        raise AgentError(
            f"the policy was trained for {card.cell!r}, this cell is {scenario.cell!r}"
        )
    if (card.action, card.actions) != (scenario.action, size):
        raise AgentError(
            f"the policy answers with {card.actions} numbers ({card.action}), "
            f"the scenario asks for {size} ({scenario.action})"
        )


def _gain(card: Card, scenario: Any) -> Action | None:
    """Factors that keep an action's meaning where an action of 1 means another speed."""
    here = speeds(scenario)
    if here == card.speeds:
        return None
    line, turn = (was / now for was, now in zip(card.speeds, here, strict=True))
    gain = np.full(card.actions, line, dtype=np.float32)
    if card.action == "twist":
        gain[3:-1] = turn
    gain[-1] = 1.0
    return gain
