"""What the layer and its rules remember between two ticks: taken every tick, so references are
kept and only what can change in place is copied; written and read only where an entry is.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from operator import attrgetter
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
_CHANGING = (deque, list, dict, set, np.ndarray)
_of_layer = attrgetter("_journal", "_latches", *LAYER)


# before a tick: the layer as _of_layer reads it, its latches, its active rules, its stop, what the
# rules remember as `reads` gives it, and copies of what changes in place
Memory = tuple[Any, Mapping[str, Verdict], Mapping[str, tuple[float, float]], Any, list[Any], Any]
_NONE: Mapping[str, Any] = {}


class Places(NamedTuple):
    """Where the rules of a layer keep what they remember."""

    names: list[tuple[str, tuple[str, ...]]]  # rule, attributes
    reads: list[tuple[Callable[[Rule], Any], Rule]]  # all attributes of a rule at once
    changing: list[tuple[int, int, Any]]  # rule, attribute, value: those that change in place


def places(layer: SafetyLayer) -> Places:
    """Of the rules of a layer that were just built, by what they name in MEMORY.

    A value that changes in place shows itself from the start (a deque, a list, an array); every
    other is replaced by another, so that a reference to it is as good as a copy.
    """
    found = Places([], [], [])
    for name, rule in layer.rules.items():
        attributes = tuple(getattr(rule, "MEMORY", ()))
        for i, attribute in enumerate(attributes):
            value = getattr(rule, attribute)
            if isinstance(value, _CHANGING):
                found.changing.append((len(found.names), i, value))
        if attributes:
            # of one attribute alone attrgetter gives the value, not a tuple
            found.names.append((name, attributes))
            found.reads.append((attrgetter(*attributes), rule))
    return found


def take(layer: SafetyLayer, kept: Places) -> Memory:
    """What is remembered now. It runs every tick."""
    own = _of_layer(layer)
    journal, latches = own[0], own[1]
    active = journal._active
    return (
        own,
        dict(latches) if latches else _NONE,
        dict(active) if active else _NONE,
        journal.stop,
        [read(rule) for read, rule in kept.reads],
        [value.copy() for _, _, value in kept.changing],
    )


def dump(memory: Memory, kept: Places) -> dict[str, Any]:
    """As plain values for JSON."""
    own, latches, active, stop, values, copies = memory
    rows = [
        list(value) if len(attributes) > 1 else [value]
        for (_, attributes), value in zip(kept.names, values, strict=True)
    ]
    for (rule, i, _), copy in zip(kept.changing, copies, strict=True):
        rows[rule][i] = copy
    rules = {
        name: {a: _tagged(v) for a, v in zip(attributes, row, strict=True)}
        for (name, attributes), row in zip(kept.names, rows, strict=True)
    }
    layer = {name.strip("_"): _tagged(one) for name, one in zip(LAYER, own[2:], strict=True)}
    layer["latches"] = {name: _tagged(tuple(one)) for name, one in latches.items()}
    layer["active"] = {name: list(one) for name, one in active.items()}
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
    changing = {
        (name, attribute): layer.rules[name]
        for name, attributes in places(layer).names
        for attribute in attributes
    }
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
