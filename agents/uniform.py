"""The agent that moves at random: the least that any other must beat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from genba.agents.fingerprints import of_module
from genba.agents.role import Action, Observation


def stream(observation: Observation) -> np.random.Generator:
    """The chances of an episode, from its first observation."""
    digest = hashlib.sha256(np.asarray(observation, dtype=np.float32).tobytes()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


class Uniform:
    """Actions drawn evenly. An episode's draws follow from its first observation.

    So the same episode meets the same actions, in whatever order and process it is played.
    """

    def __init__(self, env: Any) -> None:
        self.fingerprint = of_module(__name__)
        self.size = env.action_space.shape[0]
        self.rng = np.random.default_rng(0)

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Draw from the beginning of this episode's stream."""
        self.rng = stream(observation)

    def act(self, observation: Observation) -> Action:
        """(k,) numbers in [-1, 1)."""
        action: Action = self.rng.uniform(-1.0, 1.0, self.size).astype(np.float32)
        return action
