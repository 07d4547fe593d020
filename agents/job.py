"""A stage of a training: what it is given, and whom it tells how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from genba.agents.policy import Policy, Shape
from genba.agents.recipe import Recipe


class Log(Protocol):
    """Where a stage tells of its progress."""

    def advance(self, steps: int) -> None:
        """So many control steps more are done."""

    def note(self, values: Mapping[str, float]) -> None:
        """Numbers of the learning, for the curves."""

    def look(self, policy: Policy, steps: int) -> None:
        """Plays held-out episodes if it is time again; adds a row to `curve`."""

    curve: list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that a stage needs; `stage` is its settings."""

    env: Any
    recipe: Recipe
    stage: Any
    shape: Shape
    reads: tuple[int, ...]  # places of the policy's observations in the environment's
    seed: int
    folder: Path
    start: Policy | None
    log: Log
    teacher: Any

    @property
    def checkpoint(self) -> Path:
        """The file from which the stage goes on."""
        return self.folder / "checkpoint.safetensors"
