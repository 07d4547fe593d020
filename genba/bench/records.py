"""What a benchmark's files must look like before a number of theirs is believed."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genba.kpi import FIGURES
from genba.kpi.tally import SUMS

MOST = 1e12  # nothing that is counted or timed is larger; sums of such numbers are still finite
Number = Annotated[float, Field(ge=-MOST, le=MOST)]
Count = Annotated[float, Field(ge=0, le=MOST)]
Whole = Annotated[int, Field(ge=0, lt=2**53)]
Text = Annotated[str, Field(max_length=100_000)]
File = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$")]  # in no other folder


class _Record(BaseModel):
    """Strict about what is read; what nobody reads may be there too."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Key(_Record):
    """What makes an episode that one and no other."""

    scenario: Text
    config: Text
    agent: Text
    agent_hash: Text
    seed: Whole


class Failed(Key):
    """The row of an episode that could not be played."""

    seconds: Annotated[float, Field(gt=0, le=MOST)]
    error: Text | None


class Tally(_Record):
    """genba/kpi/tally.py"""

    sums: dict[str, Count]
    highs: dict[str, Count]
    lows: dict[str, Number]
    cycle_times: list[Count]

    @model_validator(mode="after")
    def _adds_up(self) -> Tally:
        for name in SUMS:
            if name not in self.sums:
                raise ValueError(f"sums.{name} is missing")
        for figure in FIGURES.values():
            pool = figure.pool
            if pool.law == "proportion":
                some, of = (
                    sum(self.sums[k] for k in keys) for keys in (pool.numerator, pool.denominator)
                )
                if some > of:
                    top, bottom = "+".join(pool.numerator), "+".join(pool.denominator)
                    raise ValueError(f"sums.{top} is above sums.{bottom}")
        return self


class Worst(_Record):
    """The worst moment of an episode."""

    time: Count
    margin: Number
    separation: Number | None


class Played(Failed):
    """The row of an episode."""

    figures: dict[str, Number | None]
    tally: Tally
    worst: Worst | None
    file: File


class _Event(_Record):
    time: Count
    kind: Text
    subject: Text
    data: dict[str, Any]


class _Traced(Worst):
    trace: list[Annotated[list[Number | None], Field(min_length=5, max_length=5)]]


class Details(_Record):
    """The file of an episode."""

    events: list[_Event]
    worst: _Traced | None


class _People(_Record):
    visits_per_hour: Count


class _Scenario(_Record):
    name: Text
    title: Text = ""
    title_ja: Text | None = None
    config: Text
    rules: list[Text]
    regime: Text | None
    people: _People


class Meta(_Record):
    """meta.json"""

    genba: Text
    build: Text
    date: Text
    suite: Text
    seed: Whole
    episodes: Whole
    scenarios: Annotated[dict[Text, _Scenario], Field(min_length=1)]
    agents: Annotated[dict[Text, Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _named(self) -> Meta:
        for name, scenario in self.scenarios.items():
            if scenario.name != name:
                raise ValueError(f"scenarios.{name}.name is {scenario.name!r}"[:200])
        return self


def problem(value: object, model: type[BaseModel]) -> str:
    """The first thing that is wrong with a record, with its key; empty: nothing."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        key = ".".join(map(str, first["loc"]))[:100]
        if not key:
            return f"not an object of JSON: {_got(value)}" if not isinstance(value, dict) else said
        if first["type"] == "missing":
            return f"key {key}: missing"
        key = f"key {key}: " if key else ""
        return f"{key}{said[0].lower()}{said[1:]} (got {_got(first['input'])})"
    return ""


def _got(value: object) -> str:
    try:
        return json.dumps(value, default=str)[:60]
    except (ValueError, RecursionError):
        return "?"


def of_row(row: object) -> str:
    """What is wrong with a row of a benchmark; empty: nothing."""
    failed = isinstance(row, dict) and bool(row.get("error"))
    return problem(row, Failed if failed else Played)


def of_key(row: object) -> str:
    """What is wrong with a row of which only the key is known; empty: nothing."""
    return problem(row, Key)
