"""What a tick of the safety layer costs with every rule there is, rule by rule, two people near.

A cell is played with people, and every state and command that comes to the layer while two people
are in it is kept. Then a layer with all rules is asked about them again, one call after another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from genba.scenarios import Scenario, ScenarioError
from genba.scenarios.reading import read_yaml
from genba.scenarios.scenario import HERE
from genba.sim.state import Command, State

PRESENT = 2  # people
BUSY = 400.0  # visits an hour with which a cell is played
PLAYED = 100_000  # ticks played at most
PASSES = 6  # over what is kept
ROUNDS = 400  # calls before the first that counts
NEAR = 1.6  # m, of a person from the robot's base: where rules about people have work

Pair = tuple[State, Command]
Call = Callable[[State, Command], Any]

# what a rule needs that has no default: places out of the way, so that it looks but rarely acts
PLACES: Mapping[str, dict[str, Any]] = {
    "standstill_zone": {"zones": [[3.0, -3.0, -1.0, 4.0, 3.0, 2.0]]},
    "space_limits": {
        "within": [-1.5, -1.5, -0.2, 1.5, 1.5, 1.8],
        "keep_out": [[0.9, -0.1, 0.0, 1.1, 0.1, 0.6]],
    },
    "reduced_speed": {"distance": 0.5},
}


def layer_speed(scenario: Scenario, ticks: int) -> dict[str, Any]:
    """Microseconds of a tick of the layer with all rules: median, p99, p99.9, most; and by rule.

    Measured on `ticks` ticks of the scenario, PASSES times. Raises ScenarioError.

    `rules` is a list of {"name", "median_us", "p999_us"} in the order in which they are asked.
    """
    from genba.safety import SafetyLayer

    pairs, chain, tick = record(scenario, ticks)
    config = every_rule()
    layer = SafetyLayer(config, {"robot": chain}, tick)
    spent = _replay(layer, pairs, tick)
    rules = [
        {"name": name, "median_us": _at(one, 50), "p999_us": _at(one, 99.9)}
        for name, one in ((name, _alone(layer, name, pairs, tick)) for name in layer.rules)
    ]
    return {
        "layer_us_median": _at(spent, 50),
        "layer_us_p99": _at(spent, 99),
        "layer_us_p999": _at(spent, 99.9),
        "layer_us_max": float(spent.max()),
        "layer_ticks": len(spent),
        "rules": rules,
    }


def record(scenario: Scenario, ticks: int) -> tuple[list[Pair], Any, float]:
    """Ticks of the scenario with two people in the cell, one of them near; chain and tick (s)."""
    from genba.agents import make as make_agent
    from genba.envs import make as make_env
    from genba.envs.cell import TICK

    people = scenario.people.model_copy(update={"visits_per_hour": BUSY})
    busy = {"people": people, "seconds": 36_000.0, "safety": "shared"}
    env: Any = make_env(scenario.model_copy(update=busy))
    cell, kept, seen = env.unwrapped, [], 0
    through = cell.filter

    def hear(state: State, command: Command) -> Any:
        nonlocal seen
        seen += 1
        if len(state.people) == PRESENT and _near(state):
            kept.append((state, command))
        return through(state, command)

    cell.filter = hear
    agent: Any = make_agent("scripted", env)
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    while len(kept) < ticks and seen < PLAYED:
        observation, *_ = env.step(agent.act(observation))
    chain = cell.arm.chain
    env.close()
    if not kept:
        raise ScenarioError(f"{scenario.name}: two people never come, the layer cannot be measured")
    return kept, chain, TICK


def every_rule() -> dict[str, dict[str, Any]]:
    """Parameters of all rules: PLACES, else the defaults, else those of the rule's own scenario."""
    from genba.safety import RULES

    config = {}
    for name, kind in RULES.items():
        config[name] = PLACES.get(name, {})
        if not _complete(kind.Parameters, config[name]):
            config[name] = _example(name)
    return config


def _near(state: State) -> bool:
    bodies = [person.capsules[:, :2] for person in state.people.values()]
    return any(bool((np.hypot(body[:, 0], body[:, 1]) < NEAR).any()) for body in bodies)


def _complete(model: type[BaseModel], values: Mapping[str, Any]) -> bool:
    try:
        model(**values)
    except ValidationError:
        return False
    return True


def _example(name: str) -> dict[str, Any]:
    path = HERE / "rules" / f"{name}.yaml"
    data = read_yaml(path) if path.is_file() else {}
    safety = data.get("safety", {})
    values = safety.get(name, {}) if isinstance(safety, dict) else {}
    return dict(values) if isinstance(values, dict) else {}


def fresh(pair: Pair, time: float) -> Pair:
    """Copies of a state and a command, as sensors and policy hand them over: made a moment ago."""
    state, command = pair
    robots = {name: _copied(robot) for name, robot in state.robots.items()}
    people = {name: _copied(person) for name, person in state.people.items()}
    return state._replace(time=time, robots=robots, people=people), _copied(command)


def _copied(value: Any) -> Any:
    return type(value)(*(x.copy() if isinstance(x, np.ndarray) else x for x in value))


def _replay(layer: Any, pairs: Sequence[Pair], tick: float) -> Any:
    """Microseconds of each call of the layer, time going on evenly; a latch is reset unmeasured."""
    spent = []
    clock = time.perf_counter
    for i in range(ROUNDS + PASSES * len(pairs)):
        state, command = fresh(pairs[i % len(pairs)], i * tick)
        start = clock()
        layer.filter(state, command)
        spent.append(clock() - start)
        if layer.latched:
            layer.start()
    return 1e6 * np.array(spent[ROUNDS:])


def _alone(layer: Any, name: str, pairs: Sequence[Pair], tick: float) -> Any:
    """Microseconds of each call of one rule."""
    check: Call = layer.rules[name].check
    spent = []
    clock = time.perf_counter
    for i in range(ROUNDS + 2 * len(pairs)):
        state, command = fresh(pairs[i % len(pairs)], i * tick)
        start = clock()
        check(state, command)
        spent.append(clock() - start)
    return 1e6 * np.array(spent[ROUNDS:])


def _at(spent: Any, percent: float) -> float:
    return float(np.percentile(spent, percent))
