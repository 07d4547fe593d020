"""What stands in a cell, as values: the world builds it and the renderer draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genba.sim.state import Array

Numbers = Sequence[float] | Array


@dataclass(frozen=True, slots=True)
class Fixture:
    """A box that does not move; with `belt` its surface runs along y at that speed (m/s)."""

    name: str
    half: tuple[float, float, float]  # m
    position: tuple[float, float, float]  # m
    rgba: tuple[float, float, float, float] = (0.6, 0.6, 0.6, 1.0)
    friction: float = 0.6
    belt: float | None = None
    solid: bool = True  # False: only drawn


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A box-shaped workpiece."""

    name: str
    kind: str
    half: tuple[float, float, float]  # m
    mass: float  # kg
    rgba: tuple[float, float, float, float]
    friction: float = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in a cell. The robot's base is the origin, its plane z = 0."""

    robot: str
    gripper: str
    fixtures: tuple[Fixture, ...]
    parts: tuple[PartSpec, ...]
