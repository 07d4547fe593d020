"""The vocabulary of a step: frozen values in SI units, without a physics handle in them.

Capsules are rows of seven numbers (x0, y0, z0, x1, y1, z1, radius), in metres, world frame; the
velocities that go with them are rows of six (end 0, end 1), in m/s. What is made every tick is a
named tuple: three times as fast to make as a frozen dataclass, and as immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# ISO/TS 15066 body regions, in the order of sim/people.py's limits
REGIONS = (
    "skull", "face", "neck", "back", "chest", "abdomen", "pelvis",
    "upper_arm", "lower_arm", "hand", "thigh", "lower_leg",
)  # fmt: skip


class EventKind(str, Enum):
    """What can happen in a cell. The keys of `data` are listed in docs/events.md."""

    EPISODE_START = "episode_start"
    EPISODE_END = "episode_end"
    STATE = "state"
    PART_STARTED = "part_started"
    PART_FINISHED = "part_finished"
    PART_REJECTED = "part_rejected"
    PART_DROPPED = "part_dropped"
    PART_LOST = "part_lost"
    TRAY_EXCHANGED = "tray_exchanged"
    REQUEST = "request"
    OPERATOR_ARRIVED = "operator_arrived"
    SERVICE_DONE = "service_done"
    RULE = "rule"
    STOP = "stop"
    RESET = "reset"
    BREACH = "breach"
    CONTACT = "contact"
    CLAMPING = "clamping"
    PERSON_ENTERED = "person_entered"
    PERSON_LEFT = "person_left"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; events are the only source of every published figure."""

    time: float  # s since the episode began
    kind: EventKind
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Command(NamedTuple):
    """What the robot is asked to do until the next safety tick."""

    dq: Array  # (n,) rad/s
    tcp_velocity: Array  # (6,) m/s and rad/s that dq gives the TCP, world frame
    capsule_velocities: Array  # (c, 6) m/s that dq gives the robot's capsules
    grip: float  # -1 opens, +1 closes
    asked: Array  # the policy's action as it came, not clipped
    age: float = 0.0  # s by which the policy's answer is late


class RobotState(NamedTuple):
    """One robot arm with its gripper."""

    q: Array  # (n,) rad
    dq: Array  # (n,) rad/s
    tcp: Array  # (7,) position m, quaternion x y z w
    tcp_velocity: Array  # (6,) m/s, rad/s
    capsules: Array  # (c, 7)
    capsule_velocities: Array  # (c, 6)
    grip: float  # opening m of a parallel gripper; vacuum level 0..1 of a suction cup
    holding: bool  # the gripper senses a part
    wrench: float = 0.0  # N, magnitude of the external force on arm and gripper
    driven: bool = True  # its drives move it, or it has not stood since; else it is only pushed


class Person(NamedTuple):
    """A body of capsules. `capsules[i]` belongs to the region `sim.people.CAPSULE_REGIONS[i]`."""

    role: str  # "visitor" or "operator"
    behaviour: str  # "indifferent", "helpful", "antagonistic", "attacking" or "operator"
    capsules: Array  # (17, 7)
    velocities: Array  # (17, 6)


@dataclass(frozen=True, slots=True)
class Part:
    """A workpiece."""

    pose: Array  # (7,) position m, quaternion x y z w
    kind: str
    defective: bool = False


Value = float | int | bool | str
NONE: Mapping[str, Any] = {}  # never written to


class State(NamedTuple):
    """Everything at one instant, true or as measured."""

    time: float  # s
    robots: Mapping[str, RobotState]
    people: Mapping[str, Person] = NONE
    parts: Mapping[str, Part] = NONE
    machines: Mapping[str, Value] = NONE
    people_age: float = 0.0  # s since the people were last seen
