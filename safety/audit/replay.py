"""Asks the rules again what an audit log says they were asked, and compares the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from genba.safety.audit import chain, entry, memory, values
from genba.safety.audit.chain import AuditError
from genba.safety.audit.finding import Finding
from genba.sim.grippers import GRIPPERS
from genba.sim.kinematics import Chain, chain_of
from genba.sim.robots import ROBOTS

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer

CLOSE = 1e-9  # two numbers nearer than this are the same: machines differ in the last bits


@dataclass(slots=True)
class Replay:
    """How many entries were asked again, and which gave another answer."""

    entries: int = 0
    same: int = 0
    largest: float = 0.0  # difference between two numbers that count as the same
    findings: list[Finding] = field(default_factory=list)


def replay(path: Path, tick: Callable[[], object] = lambda: None) -> Replay:
    """Rebuilds the layer of every episode, gives it what it remembered, and asks it again.

    `tick` is called for every line. Raises OSError. A log that is not as it was written is
    replayed as far as it can be.
    """
    found = Replay()
    layer: SafetyLayer | None = None
    why = "its episode's first line is not there"
    for number, line, _, _ in chain.lines(path):
        tick()
        if line is None or line.kind not in ("start", *chain.ASKED):
            continue
        try:
            said = orjson.loads(line.json)
            if line.kind == "start":
                layer, why = None, "its episode's first line cannot be used"
                layer = _layer(said)
                continue
            found.entries += 1
            if layer is None:
                raise AuditError(why)
            difference = _ask(layer, line.kind, said, found)
        except AuditError as error:
            difference = f"cannot be asked again: {error}"
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            difference = f"cannot be asked again: {type(error).__name__}: {error}"[:200]
        if not difference:
            found.same += 1
        else:
            text = f"line {number}: {difference}"
            found.findings.append(Finding(number, "replay", text))
    return found


def _layer(said: Any) -> SafetyLayer:
    """The layer of an episode. Raises AuditError where it cannot be had here."""
    from genba.safety.layer import SafetyLayer

    robot, model = said["robot"], _limits(said["robot"]["limits"])
    chain: Chain | None = None
    if robot["name"] is not None:
        if robot["name"] not in ROBOTS or robot["gripper"] not in GRIPPERS:
            raise AuditError(f"no robot {str(robot['name'])[:40]!r} is known here")
        chain = chain_of(robot["name"], robot["gripper"])
        for name in entry.LIMITS:
            if not np.array_equal(getattr(chain.robot, name), getattr(model, name)):
                raise AuditError(f"the robot here has another {name}")
    tick, flicker = values.number(said["tick"]), values.number(said["flicker"])
    return SafetyLayer(said["config"], {str(robot["key"]): chain or model}, tick, flicker)


def _limits(value: Any) -> entry.Limits:
    q_min, q_max, dq_max, ddq_max = (values.array(value[name], 1) for name in entry.LIMITS[:4])
    if not len(q_min) == len(q_max) == len(dq_max) == len(ddq_max):
        raise AuditError("the limits of the robot do not fit each other")
    tcp_speed, deceleration = (values.number(value[name]) for name in entry.LIMITS[4:])
    return entry.Limits(q_min, q_max, dq_max, ddq_max, tcp_speed, deceleration)


def _ask(layer: SafetyLayer, kind: str, said: Any, found: Replay) -> str:
    """What differs; empty: nothing."""
    memory.recall(layer, said["memory"])
    if kind == "reset":
        time, by = values.number(said["inputs"]["time"]), str(said["inputs"]["by"])
        now = {"time": time, "events": entry.events(layer.reset(time, by))}
    else:
        state, command = values.load(said["inputs"])
        decision = layer.filter(state, command)
        if not decision.events:
            return "nothing begins or ends"
        since = {name: times[0] for name, times in layer._journal._active.items()}
        now = entry.tick(layer, state, decision, since)
    plain = orjson.loads(values.dump(now))
    for name, one in plain.items():
        different = _compare(name, said.get(name), one, found)
        if different:
            return different
    return ""


def _compare(where: str, was: Any, now: Any, found: Replay) -> str:
    if isinstance(was, dict) and isinstance(now, dict) and set(was) == set(now):
        return _first(_compare(f"{where}.{n}", was[n], now[n], found) for n in now)
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return _first(_compare(f"{where}.{i}", a, b, found) for i, (a, b) in pairs)
    if _is_number(was) and _is_number(now):
        gap = abs(was - now)
        if gap <= CLOSE:
            found.largest = max(found.largest, gap)
            return ""
    elif was == now and type(was) is type(now):
        return ""
    return f"{where} was {_short(was)}, asked again it is {_short(now)}"


def _first(texts: Any) -> str:
    return next((text for text in texts if text), "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
