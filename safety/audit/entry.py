"""What an entry of an audit log says, beside the inputs: who acted, on what, who was where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import dist, isfinite
from typing import TYPE_CHECKING, Any

import orjson

from genba.safety.audit.chain import FORMAT
from genba.safety.audit.near import nearest
from genba.safety.journal import Named
from genba.safety.rule import Verdict
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.state import Array, Event, EventKind, State

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer
    from genba.safety.verdicts import Decision

NEAR = 0.15  # m from the tool within which a part is named (D)
LIMITS = ("q_min", "q_max", "dq_max", "ddq_max", "tcp_speed_max", "deceleration")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """A robot of which a log gives the limits alone."""

    q_min: Array
    q_max: Array
    dq_max: Array
    ddq_max: Array
    tcp_speed_max: float
    deceleration: float


def config_of(layer: SafetyLayer) -> Row:
    """Every rule that is on with every parameter, defaults too."""
    return {name: settings.model_dump() for name, settings in layer._settings.items()}


def config_hash(config: Row) -> str:
    """SHA-256 of a configuration as JSON with sorted keys and no spaces."""
    return sha256(orjson.dumps(config, option=orjson.OPT_SORT_KEYS)).hexdigest()


def start(layer: SafetyLayer, about: Mapping[str, Any], begun: str) -> Row:
    """The first line of an episode: all that whoever replays it has to know."""
    from genba import __version__

    config, robot = config_of(layer), layer._robot
    chain = robot.chain
    kinds = {name: type(rule) for name, rule in layer.rules.items()}
    return {
        "kind": "start",
        "format": FORMAT,
        "genba": __version__,
        "begun": begun,
        "episode": dict(about),
        "robot": {
            "key": layer._robot_name,
            "name": chain and chain.robot.name,
            "gripper": chain and chain.gripper.name,
            "links": chain and chain.capsule_names,
            "limits": {name: getattr(robot, name) for name in LIMITS},
        },
        "tick": layer._tick,
        "flicker": layer._flicker,
        "config": config,
        "config_hash": config_hash(config),
        "rules": {
            name: {key: getattr(kind, key, "") for key in ("clause", "order", "reaction", "reset")}
            for name, kind in kinds.items()
        },
    }


def tick(layer: SafetyLayer, state: State, decision: Decision, since: Mapping[str, float]) -> Row:
    """What began or ended in a tick, by whom, and what came of it; a pure function of all that.

    `since`: when each rule that acts began to (s).
    """
    asked, time = decision.command, decision.events[0].time
    return {
        "kind": "tick",
        "time": time,
        "events": events(decision.events),
        "acting": [_acting(named, time, since) for named in decision.verdicts],
        "person": _told(_person, layer, state),
        "part": _told(_part, layer, state),
        "decision": {
            "scale": decision.scale,
            "category": decision.category,
            "command": {
                "dq": asked.dq, "tcp_velocity": asked.tcp_velocity, "grip": float(asked.grip)
            },
        },
    }  # fmt: skip


def only_ends(found: Sequence[Event]) -> bool:
    """Whether rules fell silent and nothing else happened: there is no answer to ask for again."""
    return all(e.kind is EventKind.RULE and e.data["phase"] == "off" for e in found)


def off(layer: SafetyLayer, found: Sequence[Event]) -> Row:
    """The entry of such a tick, and which rule's stop goes on."""
    stop = layer._journal.stop
    return {
        "kind": "off", "time": found[0].time, "events": events(found), "stop": stop and stop.rule,
    }  # fmt: skip


def events(found: Sequence[Event]) -> list[Row]:
    """Events as plain values; their time is that of the entry."""
    return [{"kind": e.kind.value, "subject": e.subject, "data": dict(e.data)} for e in found]


def _acting(named: Named, time: float, since: Mapping[str, float]) -> Row:
    name, verdict = named
    trigger, limit = _finite(verdict.trigger), _finite(verdict.limit)
    return {
        "rule": name,
        "reason": verdict.reason,
        "trigger": trigger,
        "limit": limit,
        # how far the two are apart, in the unit of the reason: never above 0
        "margin": None if trigger is None or limit is None else -abs(trigger - limit),
        "reaction": reaction(verdict),
        "scale": verdict.scale,
        "category": verdict.category,
        "reset": "manual" if verdict.latch else "automatic",
        "duration": time - since.get(name, time),
        "grip": verdict.grip,
    }


def reaction(verdict: Verdict) -> str:
    """What a verdict does to the command."""
    if verdict.category is not None:
        back = "" if verdict.motion is None else ", draws back"
        return f"stop category {verdict.category}{back}"
    if verdict.motion is not None:
        return "another motion"
    if verdict.scale == 1.0:
        return "none yet"
    return f"speed times {verdict.scale:.3g}"


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _told(
    what: Callable[[SafetyLayer, State], Row | None], layer: SafetyLayer, state: State
) -> Any:
    """None where the state is too broken to tell: the layer has judged it already."""
    try:
        return what(layer, state)
    except Exception:  # the record must not stop the layer; the verdict is in it all the same
        return None


def _person(layer: SafetyLayer, state: State) -> Row | None:
    """Who is nearest to the robot, with which part of the body to which of its links (m)."""
    robot = state.robots.get(layer._robot_name)
    best: Row | None = None
    for name, person in state.people.items() if robot is not None else ():
        if not len(person.capsules) or robot is None or not len(robot.capsules):
            continue
        distance, i, j = nearest(robot.capsules, person.capsules)
        if isfinite(distance) and (best is None or distance < best["separation"]):
            named = len(person.capsules) == len(CAPSULE_REGIONS)
            best = {
                "name": name,
                "role": person.role,
                "behaviour": person.behaviour,
                "region": CAPSULE_REGIONS[j] if named else None,
                "link": _link(layer, i),
                "separation": distance,
                "capsules": [i, j],
            }
    return best


def _link(layer: SafetyLayer, i: int) -> str | None:
    chain = layer._robot.chain
    return chain.capsule_names[i] if chain and i < len(chain.capsule_names) else None


def _part(layer: SafetyLayer, state: State) -> Row | None:
    """The part nearest to the tool, if it is near, and whether the gripper holds one."""
    robot = state.robots.get(layer._robot_name)
    if robot is None or not state.parts:
        return None
    tool = robot.tcp[:3].tolist()
    distance, name = min((dist(tool, p.pose[:3].tolist()), n) for n, p in state.parts.items())
    if not distance < NEAR:
        return None
    kind = state.parts[name].kind
    return {"name": name, "kind": kind, "distance": distance, "held": bool(robot.holding)}
