"""What the layer and its rules remember between two ticks: taken every tick, so references are
kept and only what can change in place is copied; written and read only where an entry is.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genba.safety.audit.chain import AuditError
from genba.safety.audit.values import MOST, array, number
from genba.safety.journal import Stop
from genba.safety.rule import Rule, Verdict

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer

ATOMS = frozenset((type(None), bool, int, float, str))
LAYER = ("_time", "_repeats", "_persists", "_grip", "_rows", "scale")
_DTYPES = ("float64", "float32", "int64", "int32", "bool")


class Slot(NamedTuple):
    """One attribute of a rule that changes."""

    name: str
    rule: Rule
    attribute: str


class Memory(NamedTuple):
    """What was remembered before a tick."""

    layer: tuple[Any, ...]  # as LAYER
    latches: Mapping[str, Verdict]
    active: Mapping[str, tuple[float, float]]
    stop: Stop | None
    rules: list[Any]  # as the slots


_NONE: Mapping[str, Any] = {}


def slots(layer: SafetyLayer) -> list[Slot]:
    """The attributes that the rules of a layer name in MEMORY."""
    return [
        Slot(name, rule, attribute)
        for name, rule in layer.rules.items()
        for attribute in getattr(rule, "MEMORY", ())
    ]


def take(layer: SafetyLayer, changing: list[Slot]) -> Memory:
    """What is remembered now."""
    journal, latches = layer._journal, layer._latches
    rules = []
    for _, rule, attribute in changing:
        value = getattr(rule, attribute)
        rules.append(value if type(value) in ATOMS else _frozen(value))
    return Memory(
        (layer._time, layer._repeats, layer._persists, layer._grip, layer._rows, layer.scale),
        dict(latches) if latches else _NONE,
        dict(journal._active) if journal._active else _NONE,
        journal.stop,
        rules,
    )


def _frozen(value: Any) -> Any:
    """A copy that no longer changes with the original."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is deque or kind is np.ndarray:
        return value.copy()  # their elements are numbers or tuples
    if kind is tuple or kind is list:
        return kind([_frozen(one) for one in value])
    if kind is dict:
        return {name: _frozen(one) for name, one in value.items()}
    return value  # a frozen value


def dump(memory: Memory, changing: list[Slot]) -> dict[str, Any]:
    """As plain values for JSON."""
    rules: dict[str, dict[str, Any]] = {}
    for (name, _, attribute), value in zip(changing, memory.rules, strict=True):
        rules.setdefault(name, {})[attribute] = _tagged(value)
    layer = {name.strip("_"): _tagged(one) for name, one in zip(LAYER, memory.layer, strict=True)}
    layer["latches"] = {name: _tagged(tuple(one)) for name, one in memory.latches.items()}
    layer["active"] = {name: list(one) for name, one in memory.active.items()}
    stop = memory.stop
    layer["stop"] = stop and [stop.since, stop.rule, stop.category, stop.latch]
    return {"layer": layer, "rules": rules}


def _tagged(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return {"float": str(value)}
    if type(value) in ATOMS:
        return value
    if isinstance(value, np.ndarray) and value.dtype.name in _DTYPES:
        flat = [str(x) if x != x or x in (np.inf, -np.inf) else x for x in value.ravel().tolist()]
        return {"array": flat, "shape": list(value.shape), "dtype": value.dtype.name}
    if is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in fields(value)]
        return {"record": [_tagged(one) for one in inner], "type": type(value).__name__}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"record": [_tagged(one) for one in value], "type": type(value).__name__}
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"dict": {name: _tagged(one) for name, one in value.items()}}
    for tag, kind in (("tuple", tuple), ("list", list), ("deque", deque)):
        if isinstance(value, kind):
            return {tag: [_tagged(one) for one in value]}
    return {"opaque": type(value).__name__}


def recall(layer: SafetyLayer, value: Any) -> None:
    """Makes a fresh layer of the same configuration remember what an entry says it did.

    Raises AuditError where that is not possible.
    """
    layer.start()
    changing = {(slot.name, slot.attribute): slot.rule for slot in slots(layer)}
    try:
        own, rules = value["layer"], value["rules"]
        for name in LAYER:
            setattr(layer, name, _untagged(own[name.strip("_")], layer))
        layer._latches = {name: _verdict(layer, one) for name, one in own["latches"].items()}
        layer._journal._active = {
            name: (number(since), number(last)) for name, (since, last) in own["active"].items()
        }
        layer._journal.stop = own["stop"] and Stop(*own["stop"])
        told = {(name, one): rules[name][one] for name in rules for one in rules[name]}
        if set(told) != set(changing):
            raise AuditError("what the rules remember is not all there")
        for (name, attribute), tagged in told.items():
            _set(changing[name, attribute], attribute, tagged)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, AuditError):
            raise
        raise AuditError("what the rules remember is not all there") from None


def _verdict(layer: SafetyLayer, value: Any) -> Verdict:
    verdict = Verdict(*_untagged(value, layer))
    if not isinstance(verdict.scale, float) or verdict.category not in (None, 0, 1, 2):
        raise AuditError("a latched verdict is none")
    return verdict


def _set(rule: Rule, attribute: str, tagged: Any) -> None:
    value = _untagged(tagged, rule)
    if isinstance(value, deque):  # how long it may grow is the rule's own
        value = deque(value, getattr(getattr(rule, attribute), "maxlen", None))
    setattr(rule, attribute, value)


def _untagged(value: Any, owner: object) -> Any:
    if type(value) in ATOMS:
        return value
    known = [tag for tag in _READ if tag in value]
    if not isinstance(value, dict) or not known:
        raise AuditError("a rule remembered what no log can hold")
    return _READ[known[0]](value, owner)


def _items(value: Any, owner: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise AuditError("a rule remembered what no log can hold")
    return [_untagged(one, owner) for one in value]


def _array(value: Any, owner: object) -> Any:
    if value["dtype"] not in _DTYPES or not all(isinstance(n, int) for n in value["shape"]):
        raise AuditError("an array has an impossible shape")
    return array(value["array"], 1).astype(value["dtype"]).reshape(value["shape"])


def _record(value: Any, owner: object) -> Any:
    """A value of a class of the rule's own module, frozen or a named tuple: no other is made."""
    kind = vars(sys.modules[type(owner).__module__]).get(value["type"])
    plain = isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")
    if not isinstance(kind, type) or not (plain or is_dataclass(kind)):
        raise AuditError(f"no value {str(value['type'])[:40]!r} is known here")
    return kind(*_items(value["record"], owner))


_READ: dict[str, Callable[[Any, object], Any]] = {
    "float": lambda value, _: number(value["float"]),
    "array": _array,
    "record": _record,
    "dict": lambda value, owner: {n: _untagged(one, owner) for n, one in value["dict"].items()},
    "tuple": lambda value, owner: tuple(_items(value["tuple"], owner)),
    "list": lambda value, owner: _items(value["list"], owner),
    "deque": lambda value, owner: deque(_items(value["deque"], owner)),
}
