"""Every rule has an example in which it acts, resets as it declares, and without cause is quiet."""

import pytest

import genba.envs as envs
from genba import scenarios
from genba.agents import make
from genba.safety import RULES
from genba.sim.state import EventKind

MEANS = ("speed_separation", "standstill_zone", "contact_force", "clamping", "reduced_speed")
# what acts in these is no fault that could be taken out: people do, or the limit itself
ALWAYS = (*MEANS, "tcp_speed")


def play(scenario, stop):
    """Events of the example with the scripted agent, until `stop(events)` or the end."""
    env = envs.make(scenario)
    agent = make("scripted", env)
    observation, info = env.reset(seed=0)
    agent.reset(observation, info)
    done = False
    while not done and not stop(env.events):
        observation, _, _, done, info = env.step(agent.act(observation))
    env.close()
    return env.events


def of(events, kind, rule):
    return [e for e in events if e.kind is kind and e.subject == rule]


def over(events, rule):
    """Whether the rule has acted, and let go by itself or by a person."""
    latched = any(e.data["latch"] for e in of(events, EventKind.STOP, rule))
    if latched:
        return any(e.kind is EventKind.RESET and e.data["by"] == "manual" for e in events)
    rule_events = of(events, EventKind.RULE, rule)
    return any(e.data["phase"] == "off" for e in rule_events)


@pytest.mark.parametrize("name", scenarios.examples())
def test_the_rule_of_an_example_acts_and_resets_as_it_declares(name):
    rule = name.removeprefix("rules/")
    events = play(scenarios.load(name), lambda e: over(e, rule))
    begun = of(events, EventKind.RULE, rule)
    assert begun and begun[0].data["phase"] == "on" and begun[0].data["reason"]
    assert over(events, rule)
    reset = RULES[rule].reset
    if any(e.data["latch"] for e in of(events, EventKind.STOP, rule)):
        assert "manual" in reset
        # a person was called, came, and pressed the button when the work was done
        manual = next(e for e in events if e.kind is EventKind.RESET and e.data["by"] == "manual")
        assert any(e.kind is EventKind.REQUEST and e.time < manual.time for e in events)
    elif rule == "uncertainty":
        assert any(e.kind is EventKind.SERVICE_DONE for e in events)
    else:
        assert "automatic" in reset
        assert not any(e.kind is EventKind.RESET and e.data["by"] == "manual" for e in events)


@pytest.mark.parametrize("name", [n for n in scenarios.examples() if scenarios.load(n).faults])
def test_without_its_fault_the_rule_of_an_example_is_quiet(name):
    rule = name.removeprefix("rules/")
    scenario = scenarios.load(name, ["faults=[]", "seconds=10", "people.visits_per_hour=0"])
    assert of(play(scenario, lambda _: False), EventKind.RULE, rule) == []


def test_the_examples_that_need_no_fault_are_those_of_people_and_of_a_limit():
    without = {
        n.removeprefix("rules/") for n in scenarios.examples() if not scenarios.load(n).faults
    }
    assert set(ALWAYS) <= without


def test_every_rule_that_ships_has_an_example_and_every_example_is_named_after_its_rule():
    examples = {name.removeprefix("rules/") for name in scenarios.examples()}
    assert examples == set(RULES)
    for name in scenarios.examples():
        assert f"rules/{scenarios.load(name).name}" == name


def test_an_example_is_no_environment_but_is_found_by_name():
    assert not set(scenarios.examples()) & set(scenarios.names())
    with pytest.raises(scenarios.ScenarioError, match="did you mean rules/collision"):
        scenarios.load("rules/colision")
