"""Factory cells as Gymnasium environments; importing this registers `genba/KittingAlone-v0` etc."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym

from genba.envs.catalogue import CELLS
from genba.envs.cell import TICK, CellEnv
from genba.scenarios import Overrides, Scenario, ScenarioError, load, names

__all__ = ["CELLS", "TICK", "CellEnv", "make"]


def make(
    scenario: str | Path | Scenario,
    render_mode: str | None = None,
    overrides: Overrides = (),
) -> CellEnv:
    """The environment of a scenario, given by name, by file or as a value.

    `overrides` are `key.sub=value` texts, or a mapping {"key.sub": value}; a value takes none.
    Raises ScenarioError, one line naming file and key.
    """
    if not isinstance(scenario, Scenario):
        scenario = load(scenario, overrides)
    elif overrides:
        raise ScenarioError(
            f"{scenario.where}: overrides: this is a Scenario already; "
            "give them to genba.scenarios.load, with its name or file"
        )
    return CellEnv(scenario, render_mode)


# where gym.make looks for the modes that its own wrappers (lists, a window) can start from
make.metadata = CellEnv.metadata  # type: ignore[attr-defined]  # a function declares none


for _name in names():
    gym.register(
        load(_name).environment_id, entry_point="genba.envs:make", kwargs={"scenario": _name}
    )
