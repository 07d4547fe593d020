"""What is to differ from a scenario's file, from the command line or from Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from genba.scenarios.reading import ScenarioError, parse

Overrides = Iterable[str] | Mapping[str, Any]
EXAMPLE = "people.visits_per_hour=30"
SHOWN = 80  # characters of an override in an error line


def change(data: dict[str, Any], overrides: Overrides) -> None:
    """Set the keys in `data`: of `key.sub=value` texts, or of a mapping {"key.sub": value}.

    Raises ScenarioError, one line.
    """
    if isinstance(overrides, Mapping):
        for key, value in overrides.items():
            if not isinstance(key, str):
                raise ScenarioError(f"overrides: expected keys that are texts, got {_short(key)}")
            _set(data, key, _plain(key, value), f"override {_short(key)}")
    elif isinstance(overrides, str) or not isinstance(overrides, Iterable):
        form = f"a list of texts, [{EXAMPLE!r}], or a mapping of keys to values"
        raise ScenarioError(f"overrides: expected {form}, got {_short(repr(overrides))}")
    else:
        for text in overrides:
            _read(data, text)


def _read(data: dict[str, Any], text: object) -> None:
    where = f"override {_short(text)}"
    key, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
    if not equals or not key.strip():
        raise ScenarioError(f"{where}: expected key=value, as in {EXAMPLE}")
    _set(data, key, parse(value, where), where)


def _set(data: dict[str, Any], key: str, value: object, where: str) -> None:
    *parents, last = key.strip().split(".")
    for depth, parent in enumerate(parents):
        below = data.setdefault(parent, {})
        if not isinstance(below, dict):
            hint = "holds a value, not further keys"
            if parents[: depth + 1] == ["safety"] and isinstance(below, str):
                hint = _mixture(below, [*parents[1:], last], value)
            raise ScenarioError(f"{where}: {parent} {hint}")
        data = below
    data[last] = value


def _mixture(profile: str, keys: list[str], value: object) -> str:
    """How to change a single parameter where `safety` names a profile."""
    rules = json.dumps(value, default=str)
    for key in reversed(keys):
        rules = f"{{{key}: {rules}}}"
    return f"is the profile {profile!r}; write safety={{profile: {profile}, {_short(rules[1:])}"


def _plain(key: str, value: object) -> Any:
    """A copy of a value as a file could hold it; of arrays the numbers in them."""

    def numbers(odd: Any) -> Any:
        return odd.tolist()

    try:
        return json.loads(json.dumps(value, default=numbers))
    except (AttributeError, TypeError, ValueError, RecursionError):
        kind = type(value).__name__
        raise ScenarioError(f"override {_short(key)}: not a plain value (got {kind})") from None


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 3] + "..."
