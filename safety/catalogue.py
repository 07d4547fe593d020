"""The safety rules there are, and the named mixtures of them. A new rule is one line here."""

from __future__ import annotations

from typing import Any

from genba.safety.human import ON_TRUNK
from genba.safety.rule import RuleClass
from genba.safety.rules.barrier import Barrier
from genba.safety.rules.emergency_stop import EmergencyStop
from genba.safety.rules.finite_command import FiniteCommand
from genba.safety.rules.joint_limits import JointLimits
from genba.safety.rules.perception_integrity import PerceptionIntegrity
from genba.safety.rules.pfl import Pfl
from genba.safety.rules.policy_watchdog import PolicyWatchdog
from genba.safety.rules.reduced_speed import ReducedSpeed
from genba.safety.rules.space_limits import SpaceLimits
from genba.safety.rules.speed_separation import SpeedSeparation
from genba.safety.rules.ssm_reach import SsmReach
from genba.safety.rules.standstill_zone import StandstillZone
from genba.safety.rules.stopping_limits import StoppingLimits
from genba.safety.rules.tcp_speed import TcpSpeed

_KINDS: tuple[RuleClass, ...] = (
    # those that change the motion come before those that judge its speed
    JointLimits,
    SpaceLimits,
    StoppingLimits,
    TcpSpeed,
    Barrier,
    EmergencyStop,
    SpeedSeparation,
    SsmReach,
    Pfl,
    StandstillZone,
    ReducedSpeed,
    FiniteCommand,
    PolicyWatchdog,
    PerceptionIntegrity,
)
RULES: dict[str, RuleClass] = {kind.name: kind for kind in _KINDS}

# What every protected cell has, whatever keeps it from people
_BASIS: dict[str, dict[str, Any]] = {
    "finite_command": {},
    "joint_limits": {},
    "stopping_limits": {},
    "tcp_speed": {},
    "policy_watchdog": {},
    "emergency_stop": {},
    "perception_integrity": {},
}

PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    "unprotected": {},
    "ssm_iso": {**_BASIS, "speed_separation": {}},
    "ssm_reach": {**_BASIS, "ssm_reach": {}},
    "pfl": {**_BASIS, "pfl": {}},
    # nobody's head or trunk is touched, arms and legs within the limits
    "ssm_pfl": {
        **_BASIS,
        "ssm_reach": {"regions": [*ON_TRUNK]},
        "pfl": {"regions": ["upper_arm", "lower_arm", "hand", "thigh", "lower_leg"]},
    },
    # 1.6 m: about S_p of a Panda at full speed with the defaults (C: 1.57 m)
    "stop_always": {**_BASIS, "standstill_zone": {"distance": 1.6}},
    "shared": {**_BASIS, "speed_separation": {}, "reduced_speed": {"distance": 0.5}},
}
