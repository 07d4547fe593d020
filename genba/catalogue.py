"""What there is to choose from: the rows of `genba list`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genba.console import import_physics

Row = dict[str, Any]


def catalogue(what: str) -> list[Row]:
    """Rows with at least a `name`, in the order of the catalogue itself."""
    return CATALOGUES[what]()


def _cells() -> list[Row]:
    import_physics()
    from genba.envs import CELLS

    return [{"name": name, "text": _first_line(cell)} for name, cell in CELLS.items()]


def _scenarios() -> list[Row]:
    from genba import scenarios

    rows = []
    for name in scenarios.names():
        s = scenarios.load(name)
        rows.append(
            {
                "name": s.name, "cell": s.cell, "robot": s.robot, "seconds": s.seconds,
                "visits_per_hour": s.people.visits_per_hour, "environment": s.environment_id,
                "title": s.title,
            }
        )  # fmt: skip
    return rows


def _suites() -> list[Row]:
    from genba import scenarios

    rows = []
    for name in scenarios.suites():
        s = scenarios.load_suite(name)
        row = {"name": s.name, "episodes": s.episodes, "seed": s.seed, "seconds": s.seconds}
        rows.append({**row, "scenarios": list(s.scenarios), "title": s.title})
    return rows


def _agents() -> list[Row]:
    import_physics()
    from genba import agents

    rows = [{"name": name, "kind": "works"} for name in agents.names()]
    return [*rows, *({"name": name, "kind": "adversary"} for name in agents.ADVERSARIES)]


def _robots() -> list[Row]:
    import_physics()
    from genba.sim.robots import ROBOTS

    return [
        {
            "name": name,
            "axes": len(r.q_min),
            "reach_m": r.reach,
            "mass_kg": r.mass,
            "payload_kg": r.payload,
        }
        for name, r in ROBOTS.items()
    ]


def _profiles() -> list[Row]:
    import_physics()
    from genba.safety import profiles

    return profiles()


def _rules() -> list[Row]:
    import_physics()
    from genba.safety import describe
    from genba.scenarios import examples

    shown = {name.removeprefix("rules/"): name for name in examples()}
    return [{**row, "example": shown.get(row["name"])} for row in describe()]


def _faults() -> list[Row]:
    from genba.sim.faults import FAULTS

    return [
        {
            "name": what.value, "text": kind.text, "unit": kind.unit or None,
            "default": kind.default if kind.unit else None,
            "served": kind.served,
        }
        for what, kind in FAULTS.items()
    ]  # fmt: skip


def _figures() -> list[Row]:
    from genba.kpi import FIGURES

    return [
        {
            "name": f.name, "unit": f.unit, "group": f.group, "better": f.better, "text": f.text,
            "formula": f.pool.formula,
        }
        for f in FIGURES.values()
    ]  # fmt: skip


def _first_line(thing: Any) -> str:
    return (getattr(thing, "__doc__", None) or "").strip().split("\n")[0]


CATALOGUES: dict[str, Callable[[], list[Row]]] = {
    "cells": _cells, "scenarios": _scenarios, "suites": _suites, "agents": _agents,
    "robots": _robots, "profiles": _profiles, "rules": _rules, "faults": _faults,
    "figures": _figures,
}  # fmt: skip
