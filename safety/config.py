"""Reads what a scenario says of safety, and says what can be said: one clear line an error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import inf
from typing import Any

from pydantic import BaseModel, ValidationError

from genba.safety.catalogue import PROFILES, PURPOSES, RULES
from genba.safety.rule import ORDERS
from genba.safety.standards import PERCEPTION_AGE, SENSOR_DELAY

_INTEGRITY = "configuration_integrity"
_WHERE = "zones", "distance"  # parameters without which a rule looks at nobody


def resolve_profile(value: object) -> dict[str, dict[str, Any]]:
    """The rules and parameters that a profile's name or a mixture of one's own stands for.

    A mixture may start from a profile: `{profile: shared, speed_separation: {z_d: 0.1},
    reduced_speed: false}` overrides single parameters of it and takes a rule out.
    ValueError, one line naming the key, for an unknown profile or what is no mapping.
    """
    if isinstance(value, str):
        if value not in PROFILES:
            raise ValueError(f"safety: no profile {value!r}{_near(value, PROFILES)}")
        return {name: dict(parameters) for name, parameters in PROFILES[value].items()}
    if not isinstance(value, Mapping):
        raise ValueError(f"safety: must be a profile's name or rules, not {value!r}")
    own = dict(value)
    base = own.pop("profile", "unprotected")
    if not isinstance(base, str):
        raise ValueError(f"safety.profile: must be a profile's name, not {base!r}")
    config = resolve_profile(base)
    for name, parameters in own.items():
        if parameters is False:
            config.pop(name, None)
        elif parameters is None or parameters is True:
            config.setdefault(name, {})
        elif isinstance(parameters, Mapping):
            config[name] = {**config.get(name, {}), **parameters}
        else:
            raise ValueError(f"safety.{name}: must be the rule's parameters, not {parameters!r}")
    return config


def read_config(value: object) -> dict[str, BaseModel]:
    """Checked parameters of every rule that is on, in the order in which the rules are asked.

    ValueError with one line naming `safety.<rule>.<key>` for whatever is wrong.
    """
    config = resolve_profile(value)
    for name in config:
        if name not in RULES:
            raise ValueError(f"safety.{name}: no such rule{_near(name, RULES)}")
    names = sorted(config, key=lambda name: (ORDERS.index(RULES[name].order), [*RULES].index(name)))
    return {name: _parameters(name, config[name]) for name in names}


def untouched(config: Mapping[str, BaseModel]) -> set[str]:
    """The regions of the body that one of the rules lets no robot in motion touch."""
    asked = [(getattr(RULES[name], "untouched", None), config[name]) for name in config]
    return set().union(*(regions(settings) for regions, settings in asked if regions is not None))


def oldest_sight(config: Mapping[str, BaseModel]) -> float:
    """s, the age beyond which rules about people must not believe what they are told of them.

    Infinite where no rule looks at people, or `perception_integrity` judges the sight itself.
    """
    delays = [
        getattr(settings, "sensor_delay", SENSOR_DELAY)
        for name, settings in config.items()
        if getattr(RULES[name], "ABOUT_PEOPLE", False)
        and any(getattr(settings, key, True) for key in _WHERE)
        and getattr(settings, "people", True)  # a barrier may be about zones alone
    ]
    blind = not delays or "perception_integrity" in config
    return inf if blind else PERCEPTION_AGE + max(delays)


def fingerprint(value: object) -> str:
    """Hash of what the rules are set to: what `configuration_integrity` holds a cell to.

    The hash that this rule itself declares does not enter. ValueError as `read_config`.
    """
    plain = {
        name: model.model_dump(mode="json", exclude={"declared"} if name == _INTEGRITY else None)
        for name, model in read_config(value).items()
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _parameters(name: str, values: Mapping[str, Any]) -> BaseModel:
    model = RULES[name].Parameters
    try:
        return model(**values)
    except (ValidationError, TypeError) as error:
        raise ValueError(_line(name, model, error)) from None


def _line(name: str, model: type[BaseModel], error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return f"safety.{name}: {error}"
    first = error.errors(include_url=False)[0]
    where = ".".join(["safety", name, *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        return f"{where}: no such key{_near(str(first['loc'][0]), model.model_fields)}"
    problem = first["msg"].removeprefix("Value error, ")
    return f"{where}: {problem}" + (f", got {first['input']!r}" if first["loc"] else "")


def _near(name: object, names: Iterable[str]) -> str:
    names = list(names)
    match = get_close_matches(str(name), names, n=1)
    if match:
        return f", did you mean {match[0]!r}?"
    return f" (there are: {', '.join(names)})" if names else " (it has none)"


def profiles() -> list[dict[str, Any]]:
    """Every profile as plain values: name, what it is for, and its rules as they are asked."""
    return [
        {"name": name, "text": PURPOSES.get(name, ""), "rules": [*read_config(name)]}
        for name in PROFILES
    ]


def describe() -> list[dict[str, Any]]:
    """Every rule as plain values: name, clause, order, reaction, reset and its parameters.

    A parameter is {"default", "description"}; the description begins with the unit.
    """
    return [
        {
            "name": name,
            "clause": rule.clause,
            "order": rule.order,
            "parameters": {
                key: {"default": field.default, "description": field.description or ""}
                for key, field in rule.Parameters.model_fields.items()
            },
            "reaction": rule.reaction,
            "reset": rule.reset,
        }
        for name, rule in RULES.items()
    ]
