"""What is played: one YAML file a scenario, suites of them, and the schema both follow."""

from genba.scenarios.disturbances import FaultPlan
from genba.scenarios.overrides import Overrides
from genba.scenarios.people import Operator, People
from genba.scenarios.reading import ScenarioError
from genba.scenarios.scenario import (
    Scenario,
    Suite,
    distinct,
    examples,
    load,
    load_suite,
    names,
    suites,
)

__all__ = [
    "FaultPlan",
    "Operator",
    "Overrides",
    "People",
    "Scenario",
    "ScenarioError",
    "Suite",
    "distinct",
    "examples",
    "load",
    "load_suite",
    "names",
    "suites",
]
