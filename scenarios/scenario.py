"""The schema of a scenario file, and how one is read: a mistake is one line with file and key."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, field_validator

from genba.scenarios.disturbances import FaultPlan
from genba.scenarios.overrides import Overrides, change
from genba.scenarios.people import Operator, People, Positive, Seconds, Strict
from genba.scenarios.reading import ScenarioError, read_yaml

HERE = Path(__file__).parent


def _metres(default: float) -> Any:
    return Field(default=default, ge=0, le=1, allow_inf_nan=False)


def _seconds(default: float) -> Any:
    return Field(default=default, ge=0, le=60, allow_inf_nan=False)


class Sensors(Strict):
    """The declared sensor model, as sim/sensors.py takes it."""

    delay: float = _seconds(0.1)  # s, age of a report of the people's positions
    noise: float = _metres(0.015)  # m, standard deviation of a body's position, each axis
    bound: float = _metres(0.05)  # m, no error is greater
    correlation: float = _seconds(0.5)  # s over which the error changes
    dropout: float = Field(default=0.0, ge=0, le=10)  # 1/s, how often the tracking is lost
    dropout_seconds: float = _seconds(0.3)  # s, mean time until it is back
    joint_noise: float = Field(default=1e-4, ge=0, le=0.1)  # rad, standard deviation
    joint_speed_noise: float = Field(default=1e-3, ge=0, le=1)  # rad/s
    force_noise: float = Field(default=1.0, gt=0, le=100)  # N, of the external force


class Scenario(Strict):
    """One thing to play: a cell, a robot, people, safety, and for how long."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    title: Annotated[str, Field(max_length=200)] = ""
    title_ja: Annotated[str, Field(max_length=200)] = ""  # of a report in Japanese
    cell: str
    robot: str = "panda"
    gripper: Literal["parallel", "vacuum"] | None = None  # None: what the cell prefers
    action: Literal["twist", "joint_velocity"] = "twist"
    seconds: Annotated[float, Field(ge=1, le=7 * 24 * 3600, allow_inf_nan=False)] = 60.0
    tcp_speed: Annotated[float, Field(gt=0, le=1.7, allow_inf_nan=False)] = 1.0  # m/s at action 1
    tcp_turn: Annotated[float, Field(gt=0, le=2.5, allow_inf_nan=False)] = 2.0  # rad/s at action 1
    # share of the joints' top speed at action 1 (joint_velocity)
    joint_speed: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5
    # s a part while it runs, without waiting: PRI of ISO 22400; without it there is no OEE
    planned_cycle_time: Seconds | None = None
    takt: Seconds | None = None  # s a part the customer asks for
    cycle_timeout: Positive = 60.0  # s of running without a part before a person is called
    people: People = People()
    operator: Operator = Operator()
    sensors: Sensors = Sensors()
    safety: str | dict[str, Any] = Field(default_factory=dict)  # a profile, or rules of one's own
    faults: Annotated[tuple[FaultPlan, ...], Field(max_length=100)] = ()  # on purpose
    task: dict[str, Any] = Field(default_factory=dict)
    _file: str = PrivateAttr("")

    @field_validator("safety", mode="before")
    @classmethod
    def _either(cls, safety: Any) -> Any:
        """Or each of the two would be asked for under a key that nobody wrote."""
        if not isinstance(safety, str | dict):
            raise ValueError("expected a profile's name, or rules as {tcp_speed: {}}")
        return safety

    @property
    def where(self) -> str:
        """The file that it was read from, for an error line; else its name."""
        return self._file or self.name

    @property
    def environment_id(self) -> str:
        """Gymnasium's id, `genba/KittingAlone-v0` for `kitting_alone`."""
        return "genba/" + "".join(w.capitalize() for w in self.name.split("_")) + "-v0"

    def fingerprint(self) -> str:
        """Hash of everything that was asked for: the same hash, the same scenario."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class Suite(Strict):
    """What a benchmark plays."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    title: Annotated[str, Field(max_length=200)] = ""
    title_ja: Annotated[str, Field(max_length=200)] = ""  # of a report in Japanese
    scenarios: Annotated[list[str], Field(min_length=1)]
    episodes: Annotated[int, Field(ge=1, le=100_000)] = 10
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1000
    seconds: Annotated[float, Field(ge=1, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None

    @property
    def titles(self) -> tuple[str, str]:
        """In English and in Japanese; empty where there is none."""
        return self.title, self.title_ja


def names() -> list[str]:
    """The scenarios that ship with the package."""
    return sorted(p.stem for p in HERE.glob("*.yaml"))


def examples() -> list[str]:
    """A scenario for each safety rule in which it acts, by the name that `load` takes."""
    return sorted(f"rules/{p.stem}" for p in (HERE / "rules").glob("*.yaml"))


def suites() -> list[str]:
    """The suites that ship with the package."""
    return sorted(p.stem for p in (HERE / "suites").glob("*.yaml"))


def load(name: str | Path, overrides: Overrides = ()) -> Scenario:
    """A scenario by its name or its file, with what is to differ from it.

    `overrides` are `key.sub=value` texts, the values YAML, or a mapping {"key.sub": value}.
    Raises ScenarioError with one line that names the file and the key.
    """
    path = _find(name, HERE, [*names(), *examples()], "scenario")
    data = read_yaml(path)
    change(data, overrides)
    scenario: Scenario = _validate(Scenario, data, path.name)
    scenario._file = path.name
    return scenario


def from_settings(settings: dict[str, Any], where: str) -> Scenario:
    """A scenario from all its settings, as `model_dump` gives them. Raises ScenarioError."""
    scenario: Scenario = _validate(Scenario, settings, where)
    return scenario


def load_suite(name: str | Path) -> Suite:
    """A suite by its name or its file; of a scenario's the suite of it alone.

    Files that a suite names lie beside its own. Raises ScenarioError.
    """
    if str(name) in names():
        return _alone(load(name), str(name))
    path = _find(name, HERE / "suites", suites(), "suite", also=names())
    data = read_yaml(path)
    if "cell" in data and "scenarios" not in data:
        return _alone(load(path), str(path))
    suite: Suite = _validate(Suite, data, path.name)
    beside = [path.parent / entry for entry in suite.scenarios]
    found = [
        str(file) if file.is_file() else entry
        for file, entry in zip(beside, suite.scenarios, strict=True)
    ]
    return suite.model_copy(update={"scenarios": found})


def _alone(one: Scenario, name: str) -> Suite:
    return Suite(name=one.name, title=one.title, title_ja=one.title_ja, scenarios=[name])


def distinct(suite: str, scenarios: Sequence[Scenario]) -> None:
    """Raises ScenarioError where two scenarios have one name: their episodes would be pooled."""
    seen: dict[str, str] = {}
    for scenario in scenarios:
        if scenario.name in seen:
            both = f"{seen[scenario.name]} and {scenario.where}"
            raise ScenarioError(
                f"{suite}: scenarios: {both} are both named {scenario.name}; give each its own name"
            )
        seen[scenario.name] = scenario.where


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint to add to an error line, or an empty string."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _find(
    name: str | Path, folder: Path, known: list[str], what: str, also: Sequence[str] = ()
) -> Path:
    text = str(name)
    if text in known:
        return folder / f"{text}.yaml"
    path = Path(text)
    if path.suffix in {".yaml", ".yml"} or "/" in text:
        if not path.is_file():
            close = difflib.get_close_matches(text, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ScenarioError(f"{text}: no such {what} file{hint}")
        return path
    raise ScenarioError(f"unknown {what} {text!r}{did_you_mean(text, [*known, *also])}")


def _validate(model: type[Any], data: dict[str, Any], where: str) -> Any:
    try:
        # as JSON, so that a list may be a tuple, but `yes` is no number
        return model.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise ScenarioError(f"{where}: {explain(error, model)}") from None
    except TypeError:  # a date, say
        raise ScenarioError(f"{where}: a key that is not a text or a number") from None


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem of a validation in one line, with the key and what is known there."""
    first = error.errors()[0]
    loc, unknown = first["loc"], first["type"] == "extra_forbidden"
    if loc[-1:] == ("[key]",) and not unknown:  # what pydantic appends where a key is the mistake
        loc, unknown = loc[:-1], first["type"] == "literal_error"
    key = ".".join(str(p) for p in loc) or "the file"
    if unknown:
        fields = _fields(model, loc[:-1])
        hint = did_you_mean(str(loc[-1]), fields) if fields else ""
        return f"{key}: unknown key{hint}"
    if first["type"] == "missing":
        return f"{key}: missing"
    if first["input"] is None:
        return f"{key}: empty; give it a value or leave the key out"
    if first["type"] == "string_pattern_mismatch" and key == "name":
        return f"name: only a-z, 0-9 and _, a letter first (got {_got(first)}); see title, title_ja"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]} (got {_got(first)})"


def _got(problem: Any) -> str:
    return json.dumps(problem["input"], default=str, ensure_ascii=False)[:60]


def _fields(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys known at a path of keys; none where no model says."""
    kind: Any = model
    for key in path:
        if isinstance(key, str):  # a number only says which one of a list
            field = getattr(kind, "model_fields", {}).get(key)
            kind = None if field is None else field.annotation
        # of a list of them, or of one that may be left out, the model
        kind = next((k for k in get_args(kind) if hasattr(k, "model_fields")), kind)
    if get_origin(kind) is dict and get_origin(names := get_args(kind)[0]) is Literal:
        return list(get_args(names))
    return list(getattr(kind, "model_fields", ()))
