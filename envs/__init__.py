"""Factory cells as Gymnasium environments; importing this registers `genba/KittingAlone-v0` etc."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym

from genba.envs.catalogue import CELLS
from genba.envs.cell import TICK, CellEnv
from genba.scenarios import Scenario, load, names

__all__ = ["CELLS", "TICK", "CellEnv", "make"]


def make(
    scenario: str | Path | Scenario,
    render_mode: str | None = None,
    overrides: Sequence[str] = (),
) -> CellEnv:
    """The environment of a scenario, given by name, by file or as a value.

    `overrides` are `key.sub=value` texts. Raises ScenarioError, one line naming file and key.
    """
    if not isinstance(scenario, Scenario):
        scenario = load(scenario, overrides)
    return CellEnv(scenario, render_mode)


for _name in names():
    gym.register(
        load(_name).environment_id, entry_point="genba.envs:make", kwargs={"scenario": _name}
    )
