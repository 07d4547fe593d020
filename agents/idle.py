"""The agent that does nothing: what a cell does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genba.agents.fingerprints import of_module
from genba.agents.role import Action, Observation


class Idle:
    """Stands still and keeps the grip that was asked last."""

    def __init__(self, env: Any) -> None:
        self.fingerprint = of_module(__name__)
        self.size = env.action_space.shape[0]
        fields = dict(getattr(env.unwrapped, "fields", {}))
        self.grip: int | None = None
        if "grip_asked" in fields:
            names = list(fields)
            self.grip = sum(fields[n] for n in names[: names.index("grip_asked")])

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Action:
        """(k,) zeros, but for the grip."""
        action = np.zeros(self.size, dtype=np.float32)
        if self.grip is not None:
            action[-1] = np.clip(observation[self.grip], -1.0, 1.0)
        return action
