"""What a scenario may say of safety: profiles, mixtures, and one clear line for what is wrong."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import json

import pytest

from genba.safety import (
    PROFILES,
    RULES,
    describe,
    profiles,
    read_config,
    resolve_profile,
    standards,
)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_valid_and_a_copy(name):
    config = resolve_profile(name)
    assert [*read_config(name)] == [*read_config(config)]
    config["tcp_speed"] = {"limit": 0.1}
    assert resolve_profile(name) == PROFILES[name]


def test_the_profiles_differ_in_how_they_keep_the_robot_from_people():
    assert resolve_profile("unprotected") == {}
    assert "speed_separation" in resolve_profile("ssm_iso")
    assert "standstill_zone" in resolve_profile("stop_always")
    for name in set(PROFILES) - {"unprotected"}:
        assert {"emergency_stop", "policy_watchdog", "joint_limits"} <= set(resolve_profile(name))


def test_a_mixture_overrides_single_parameters_of_a_profile():
    config = resolve_profile(
        {"profile": "shared", "tcp_speed": {"limit": 1.0}, "reduced_speed": False}
    )
    assert "reduced_speed" not in config
    read = read_config(config)
    assert read["tcp_speed"].model_dump() == {"limit": 1.0}
    assert read["speed_separation"].model_dump()["deceleration"] is None


def test_rules_are_asked_in_the_order_of_the_standards():
    names = [*read_config({"policy_watchdog": {}, "speed_separation": None, "tcp_speed": True})]
    assert names == ["tcp_speed", "speed_separation", "policy_watchdog"]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("shard", "safety: no profile 'shard', did you mean 'shared'?"),
        (3, "safety: must be a profile's name or rules, not 3"),
        ({"profile": 3}, "safety.profile: must be a profile's name, not 3"),
        ({"tcp_sped": {}}, "safety.tcp_sped: no such rule, did you mean 'tcp_speed'?"),
        ({"xyz": {}}, "safety.xyz: no such rule (there are: joint_limits"),
        ({"tcp_speed": 1.0}, "safety.tcp_speed: must be the rule's parameters, not 1.0"),
        (
            {"speed_separation": {"decelaration": 3.0}},
            "safety.speed_separation.decelaration: no such key, did you mean 'deceleration'?",
        ),
        ({"emergency_stop": {"x": 1}}, "safety.emergency_stop.x: no such key (it has none)"),
        ({"tcp_speed": {"limit": "fast"}}, "safety.tcp_speed.limit: Input should be a valid"),
        ({"tcp_speed": {"limit": "1.0"}}, "safety.tcp_speed.limit: Input should be a valid"),
        ({"tcp_speed": {"limit": True}}, "safety.tcp_speed.limit: Input should be a valid"),
        ({"tcp_speed": {"limit": float("nan")}}, "safety.tcp_speed.limit: Input should be a fin"),
        ({"tcp_speed": {"limit": 0.0}}, "safety.tcp_speed.limit: Input should be greater than 0"),
        ({"speed_separation": {"sensor": "eye"}}, "safety.speed_separation.sensor: Input should"),
        ({"standstill_zone": {}}, "safety.standstill_zone: needs `zones` or a `distance`"),
        (
            {"standstill_zone": {"zones": [[1, 0, 0, 0, 1, 1]]}},
            "safety.standstill_zone.zones.0: must be [x0, y0, z0, x1, y1, z1]",
        ),
        ({"standstill_zone": {"zones": [[1, 2]]}}, "safety.standstill_zone.zones.0: List should"),
        ({"policy_watchdog": {"ticks": 0}}, "safety.policy_watchdog.ticks: Input should be"),
        ({"tcp_speed": {3: 1}}, "safety.tcp_speed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_key(config, line):
    with pytest.raises(ValueError) as error:
        read_config(config)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_every_profile_says_what_it_is_for_and_names_its_rules():
    listed = profiles()
    assert [row["name"] for row in listed] == list(PROFILES)
    assert all(row["text"] and set(row["rules"]) == set(PROFILES[row["name"]]) for row in listed)


def test_every_rule_describes_itself_in_plain_values():
    listed = describe()
    assert [entry["name"] for entry in listed] == [*RULES]
    json.dumps(listed)
    for entry in listed:
        assert entry["clause"] and entry["reaction"] and entry["reset"]
        for parameter in entry["parameters"].values():
            assert parameter["description"]
    separation = next(e for e in listed if e["name"] == "speed_separation")
    assert separation["parameters"]["deceleration"]["default"] is None


def test_every_rule_is_declared_in_the_standards_words():
    for name, kind in RULES.items():
        assert kind.name == name
        assert kind.clause and kind.reaction and kind.reset
        assert kind.order in ("physical", "people", "integrity", "task")
    assert standards.TICK <= 0.01  # at least 100 Hz
