"""What the layer and its rules remember between two ticks.

It is taken every tick, so references are kept, and only what can change in place is copied; it is
written and read only where there is an entry.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genba.safety import rule as safety_rule
from genba.safety.audit.chain import AuditError
from genba.safety.audit.values import MOST, array, number
from genba.safety.journal import Stop
from genba.safety.rule import Rule, Verdict
from genba.sim import state as sim_state

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer

ATOMS = frozenset((type(None), bool, int, float, str))
LAYER = ("_time", "_repeats", "_persists", "_grip", "_rows", "scale")
_DTYPES = {np.dtype(n): n for n in ("float64", "float32", "int64", "int32", "bool")}
_CHANGING = (deque, list, dict, set, np.ndarray)
Memory = tuple[tuple[Any, ...], Sequence[Any]]  # as `Places.names`; copies as `Places.changing`
_JOURNAL = ("_journal._active", "_journal.stop")
_OWN = tuple(f"layer.{name}" for name in (*LAYER, "_latches", *_JOURNAL))


class Places(NamedTuple):
    """Where a layer and its rules keep what they remember."""

    take: Callable[[], Memory]  # what is remembered now; it runs every tick
    names: tuple[tuple[str, str], ...]  # rule, attribute; in the order of `take`, after the layer's
    changing: tuple[int, ...]  # places in that order of what changes in place, and is copied


def places(layer: SafetyLayer) -> Places:
    """Of a layer, by what its rules name in MEMORY.

    A value that changes in place shows itself from the start (a deque, a list, an array), and is
    copied; every other is replaced by another, so that a reference to it is as good as a copy. What
    was none at the start is copied as well where it is one by now, after a person's reset.
    """
    names: list[tuple[str, str]] = []
    paths, changing = [*_OWN], []
    for i, (name, rule) in enumerate(layer.rules.items()):
        for attribute in getattr(rule, "MEMORY", ()):
            value = getattr(rule, attribute)
            if not attribute.isidentifier():
                raise ValueError(f"{name}: {attribute!r} is no attribute")
            if isinstance(value, _CHANGING):
                changing.append(len(paths))
            names.append((name, attribute))
            paths.append(f"rule{i}.{attribute}")
    return Places(_taker(paths, changing, layer), tuple(names), tuple(changing))


def _taker(paths: list[str], changing: list[int], layer: SafetyLayer) -> Callable[[], Memory]:
    """One function that reads all paths, and copies some: compiled, as named tuples are, since it
    runs every tick and getattr in a loop takes five times as long.
    """
    rules = [*layer.rules.values()]
    names = ", ".join(["layer", *(f"rule{i}" for i in range(len(rules)))])
    copied = [paths[place] for place in changing]
    copies = "".join(f"None if {path} is None else {path}.copy(), " for path in copied)
    make = eval(f"lambda {names}: lambda: (({', '.join(paths)},), ({copies}))")  # our own names
    out: Callable[[], Memory] = make(layer, *rules)
    return out


def dump(memory: Memory, kept: Places) -> dict[str, Any]:
    """As plain values for JSON."""
    values = list(memory[0])
    for place, copy in zip(kept.changing, memory[1], strict=True):
        values[place] = copy
    rules: dict[str, dict[str, Any]] = {name: {} for name, _ in kept.names}
    for (name, attribute), value in zip(kept.names, values[len(_OWN) :], strict=True):
        rules[name][attribute] = _tagged(value)
    layer = {n.strip("_"): _tagged(v) for n, v in zip(LAYER, values[: len(LAYER)], strict=True)}
    latches, active, stop = values[len(LAYER) : len(_OWN)]
    layer["latches"] = {name: _tagged(tuple(one)) for name, one in latches.items()}
    layer["active"] = {name: list(one) for name, one in active.items()}
    layer["stop"] = stop and [stop.since, stop.rule, stop.category, stop.latch]
    return {"layer": layer, "rules": rules}


def _tagged(value: Any) -> Any:
    kind = type(value)
    if kind in ATOMS:
        return value if kind is not float or isfinite(value) else {"float": str(value)}
    if kind is tuple:
        return {"tuple": [_tagged(one) for one in value]}
    if kind is np.ndarray and value.dtype in _DTYPES:
        flat: Any = value.ravel().astype(np.float64, copy=False)
        if not isfinite(flat.sum()) and not np.isfinite(flat).all():
            flat = [x if isfinite(x) else str(x) for x in flat.tolist()]
        return {"array": flat, "shape": value.shape, "dtype": _DTYPES[value.dtype]}
    return _tagged_rarely(value)


def _tagged_rarely(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _tagged(value.item())
    if is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in fields(value)]
        return {"record": [_tagged(one) for one in inner], "type": type(value).__name__}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"record": [_tagged(one) for one in value], "type": type(value).__name__}
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"dict": {name: _tagged(one) for name, one in value.items()}}
    for tag, kind in (("list", list), ("deque", deque)):
        if isinstance(value, kind):
            return {tag: [_tagged(one) for one in value]}
    return {"opaque": type(value).__name__}


def recall(layer: SafetyLayer, value: Any) -> None:
    """Makes a fresh layer of the same configuration remember what an entry says it did.

    Raises AuditError where that is not possible.
    """
    layer.start()
    changing = {one: layer.rules[one[0]] for one in places(layer).names}
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
    if value["dtype"] not in _DTYPES.values() or not all(
        isinstance(n, int) for n in value["shape"]
    ):
        raise AuditError("an array has an impossible shape")
    return array(value["array"], 1).astype(value["dtype"]).reshape(value["shape"])


def _record(value: Any, owner: object) -> Any:
    """A value of the rule's own module, of a state or a verdict; a class that holds values only."""
    places = (sys.modules[type(owner).__module__], sim_state, safety_rule)
    kind = next((vars(p)[value["type"]] for p in places if value["type"] in vars(p)), None)
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
