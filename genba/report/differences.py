"""What the scenarios of a suite differ in, key by key as their files have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genba.bench.results import Row
from genba.report import texts

# what it is called, and what follows from the rest
NO_SETTINGS = {"name", "title", "title_ja", "config", "rules", "regime"}
LONGEST = 200  # characters of a value
UNSET = "–"


def differences(scenarios: Sequence[Row], lang: str) -> list[Row]:
    """Rows of a key and its value in each scenario; none where all is the same, or there is one."""
    found = [dict(_settings(scenario, lang)) for scenario in scenarios]
    keys = dict.fromkeys(key for one in found for key in one)
    rows = [(key, [one.get(key, UNSET) for one in found]) for key in keys]
    return [{"key": key, "cells": cells} for key, cells in rows if len(set(cells)) > 1]


def _settings(scenario: Row, lang: str) -> Iterator[tuple[str, str]]:
    for key, value in scenario.items():
        if key == "safety":
            yield key, texts.profile_name(value, scenario["rules"], lang)
            if isinstance(value, Mapping):
                own = {name: one for name, one in value.items() if name != "profile"}
                yield from _flat(key, own)
        elif key not in NO_SETTINGS:
            yield from _flat(key, value)


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _flat(f"{key}.{name}", one)
    else:
        text = _text(value)
        yield key[:LONGEST], text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _text(value: Any) -> str:
    """As the file would say it; what is empty is not there."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_text(v)}" for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        last = "; " if any(isinstance(one, Mapping) for one in value) else ", "
        return last.join(map(_text, value)) or UNSET
    if value is None:
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
