"""What the layer was given, as JSON that reads back to the same bits; NaN and infinity too.

Numbers are written with the fewest digits that read back to the same float. What JSON has no
number for is the text "nan", "inf" or "-inf"; of a machine, whose value may be a text, it is
{"float": "nan"}.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import orjson

from genba.safety.audit.chain import AuditError
from genba.sim.state import Array, Command, Part, Person, RobotState, State

MOST = 100_000  # numbers in an array, people in a state: whatever has more is none of ours
NUMPY = orjson.OPT_SERIALIZE_NUMPY
_FLOAT = np.dtype(np.float64)
_ROBOT = {
    "q": 1, "dq": 1, "tcp": 1, "tcp_velocity": 1, "capsules": 7, "capsule_velocities": 6
}  # columns, 1 for a row  # fmt: skip
_COMMAND = {"dq": 1, "tcp_velocity": 1, "capsule_velocities": 6}
_ASKED = {**_COMMAND, "asked": 1}


def dump(value: Any) -> bytes:
    """JSON of plain values and arrays. Raises TypeError for anything else."""
    return orjson.dumps(value, option=NUMPY, default=_strided)


def _strided(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain value")


def inputs(state: State, command: Command) -> bytes:
    """State and command as JSON; {"opaque": reason} where they are no values of that kind."""
    try:
        plain = {"state": _state(state), "command": _arrays(command, _ASKED)}
        text = dump(plain)
        # JSON has no NaN: orjson writes null, which no input else holds
        return dump(_spelt_out(plain)) if b"null" in text else text
    except Exception as error:  # whatever it was, the layer has judged it already
        return dump({"opaque": f"{type(error).__name__}: {error}"[:200]})


def _state(state: State) -> dict[str, Any]:
    return {
        "time": float(state.time),
        "robots": {name: _arrays(robot, _ROBOT) for name, robot in state.robots.items()},
        "people": {
            name: {
                "role": p.role, "behaviour": p.behaviour, "capsules": _numbers(p.capsules),
                "velocities": (_numbers if p.velocities.ndim == 2 else _odd)(p.velocities),
            }
            for name, p in state.people.items()
        },
        "parts": {
            name: {"pose": _numbers(p.pose), "kind": p.kind, "defective": p.defective}
            for name, p in state.parts.items()
        },
        "machines": dict(state.machines),
        "people_age": float(state.people_age),
    }  # fmt: skip


def _arrays(value: RobotState | Command, arrays: Mapping[str, int]) -> dict[str, Any]:
    out: dict[str, Any] = value._asdict()
    for name in arrays:
        out[name] = _numbers(out[name])
    return out


def _odd(array: Any) -> Any:
    """Velocities that are no rows. Of those without numbers the rank is told: [] is (0, 6)."""
    out = _numbers(array)
    return out if out.size else {"empty": out.ndim}


def _numbers(array: Any) -> Array:
    """An array as float64; a float32 written as such would read back to another number."""
    if array.dtype is _FLOAT:
        out: Array = array
        return out
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"an array of {array.dtype}")
    return np.asarray(array, dtype=np.float64)


def spelt(value: Any) -> Any:
    """Lists and mappings of plain values, with the numbers that JSON lacks as texts."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: spelt(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [spelt(one) for one in value]
    return value


def _spelt_out(plain: dict[str, Any]) -> Any:
    """Inputs with the numbers that JSON lacks; those of machines are told from texts."""
    out, machines = spelt(plain), plain["state"]["machines"]
    for name, said in out["state"]["machines"].items():
        if isinstance(said, str) and not isinstance(machines[name], str):
            out["state"]["machines"][name] = {"float": said}
    return out


def number(value: Any) -> float:
    """A number of a log. Raises AuditError."""
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AuditError("a number is missing")
    return float(value)


def array(value: Any, columns: int, free: bool = False) -> Array:
    """(n,) where `columns` is 1, else (n, columns or what there was); `free`: of any rank above 0.

    Raises AuditError.
    """
    rank = value["empty"] if free and isinstance(value, dict) else 0
    try:
        out = np.array([] if rank else value, dtype=np.float64, ndmin=rank)
    except (TypeError, ValueError, OverflowError):
        raise AuditError("an array holds what is no number") from None
    if value == [] and columns > 1:  # no row tells how long it is
        out = np.zeros((0, columns))
    fits = out.ndim > 0 if free else out.ndim == (1 if columns == 1 else 2)
    if not fits or out.size > MOST:
        raise AuditError("an array has an impossible shape")
    return out


def load(value: Any) -> tuple[State, Command]:
    """The inputs of an entry. Raises AuditError where they are not all there and sound."""
    if isinstance(value, dict) and "opaque" in value:
        raise AuditError(f"the inputs were no plain values ({value['opaque']})")
    try:
        state, command = value["state"], value["command"]
        robots = {name: _robot(robot) for name, robot in state["robots"].items()}
        people = {name: _person(person) for name, person in state["people"].items()}
        parts = {
            name: Part(array(part["pose"], 1), str(part["kind"]), bool(part["defective"]))
            for name, part in state["parts"].items()
        }
        machines = {name: _plain(one) for name, one in state["machines"].items()}
        times = number(state["time"]), number(state["people_age"])
        moves = {name: array(command[name], columns) for name, columns in _COMMAND.items()}
        asked = array(command["asked"], 1, free=True)  # a policy's own; rules read it flat
        order = Command(
            **moves, asked=asked, grip=number(command["grip"]), age=number(command["age"])
        )
    except (KeyError, TypeError, AttributeError):
        raise AuditError("the inputs are not all there") from None
    return State(times[0], robots, people, parts, machines, times[1]), order


def _robot(value: Any) -> RobotState:
    arrays = {name: array(value[name], columns) for name, columns in _ROBOT.items()}
    switches = {name: bool(value[name]) for name in ("holding", "driven") if name in value}
    sizes = {name: number(value[name]) for name in ("grip", "wrench") if name in value}
    return RobotState(**arrays, **sizes, **switches)  # type: ignore[arg-type] # named above


def _person(value: Any) -> Person:
    capsules = array(value["capsules"], 7)
    # those that do not fit the capsules are for the rules to judge: who needs them must act
    velocities = array(value["velocities"], 6, free=True)
    return Person(str(value["role"]), str(value["behaviour"]), capsules, velocities)


def _plain(value: Any) -> float | int | bool | str:
    if isinstance(value, dict) and value.keys() == {"float"}:
        return number(value["float"])
    if not isinstance(value, float | int | bool | str):
        raise AuditError("a machine's value is none")
    return value
