"""What an agent is: whoever answers an observation with an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Observation = NDArray[np.float32]
Action = NDArray[np.float32]


class AgentError(ValueError):
    """An agent, its files or its training that cannot be; the message is one line."""


class Agent(Protocol):
    """Decides in one environment; `fingerprint` tells what with, the same hash the same agent."""

    fingerprint: str

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """An episode begins."""

    def act(self, observation: Observation) -> Action:
        """(k,) action in [-1, 1] for an observation (n,)."""
