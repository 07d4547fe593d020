"""The cells there are. A new cell is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from genba.envs.conveyor_sorting import ConveyorSorting
from genba.envs.kitting import Kitting
from genba.envs.task import Task
from genba.safety import SafetyLayer
from genba.scenarios import Scenario, ScenarioError
from genba.scenarios.scenario import did_you_mean, explain
from genba.sim.kinematics import Chain
from genba.sim.robots import ROBOTS

CELLS: dict[str, Any] = {
    "kitting": Kitting,
    "conveyor_sorting": ConveyorSorting,
}


def build_task(scenario: Scenario) -> Task:
    """The cell a scenario names, with its settings. Raises ScenarioError naming the key."""
    if scenario.cell not in CELLS:
        hint = did_you_mean(scenario.cell, list(CELLS))
        raise ScenarioError(f"{scenario.where}: cell: unknown cell {scenario.cell!r}{hint}")
    cell = CELLS[scenario.cell]
    if scenario.robot not in ROBOTS:
        hint = did_you_mean(scenario.robot, list(ROBOTS))
        raise ScenarioError(f"{scenario.where}: robot: unknown robot {scenario.robot!r}{hint}")
    try:
        settings = cell.Settings.model_validate(scenario.task)
    except ValidationError as error:
        raise ScenarioError(f"{scenario.where}: task.{explain(error, cell.Settings)}") from None
    gripper = scenario.gripper or cell.grippers[0]
    if gripper not in cell.grippers:
        takes = " or ".join(cell.grippers)
        raise ScenarioError(
            f"{scenario.where}: gripper: {scenario.cell} takes {takes}, not {gripper}"
        )
    task: Task = cell(scenario.robot, gripper, settings)
    return task


def build_layer(scenario: Scenario, robots: Mapping[str, Chain], tick: float) -> SafetyLayer:
    """The safety layer a scenario asks for. Raises ScenarioError naming the key."""
    try:
        return SafetyLayer(scenario.safety, robots, tick)
    except ValueError as error:
        raise ScenarioError(f"{scenario.where}: {error}") from None
