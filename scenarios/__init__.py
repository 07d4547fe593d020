"""What is played: one YAML file a scenario, suites of them, and the schema both follow."""

from genba.scenarios.scenario import (
    Operator,
    People,
    Scenario,
    ScenarioError,
    Suite,
    load,
    load_suite,
    names,
    suites,
)

__all__ = [
    "Operator",
    "People",
    "Scenario",
    "ScenarioError",
    "Suite",
    "load",
    "load_suite",
    "names",
    "suites",
]
