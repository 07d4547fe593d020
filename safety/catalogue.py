"""The safety rules there are, and the named mixtures of them. A new rule is one line here."""

from __future__ import annotations

from typing import Any

from genba.safety.human import ON_TRUNK
from genba.safety.rule import RuleClass
from genba.safety.rules.barrier import Barrier
from genba.safety.rules.braking_ramp import BrakingRamp
from genba.safety.rules.clamping import Clamping
from genba.safety.rules.collision import Collision
from genba.safety.rules.configuration_integrity import ConfigurationIntegrity
from genba.safety.rules.contact_force import ContactForce
from genba.safety.rules.emergency_stop import EmergencyStop
from genba.safety.rules.finite_command import FiniteCommand
from genba.safety.rules.guard_interlock import GuardInterlock
from genba.safety.rules.human_authority import HumanAuthority
from genba.safety.rules.joint_limits import JointLimits
from genba.safety.rules.operator_load import OperatorLoad
from genba.safety.rules.perception_integrity import PerceptionIntegrity
from genba.safety.rules.pfl import Pfl
from genba.safety.rules.policy_watchdog import PolicyWatchdog
from genba.safety.rules.process_guard import ProcessGuard
from genba.safety.rules.recorder_health import RecorderHealth
from genba.safety.rules.reduced_speed import ReducedSpeed
from genba.safety.rules.space_limits import SpaceLimits
from genba.safety.rules.speed_separation import SpeedSeparation
from genba.safety.rules.ssm_reach import SsmReach
from genba.safety.rules.standstill_zone import StandstillZone
from genba.safety.rules.stopping_limits import StoppingLimits
from genba.safety.rules.tcp_speed import TcpSpeed
from genba.safety.rules.uncertainty import Uncertainty

_KINDS: tuple[RuleClass, ...] = (
    # those that change the motion come before those that judge its speed
    JointLimits,
    SpaceLimits,
    StoppingLimits,
    TcpSpeed,
    Barrier,
    Collision,
    EmergencyStop,
    GuardInterlock,
    HumanAuthority,
    Clamping,  # before contact_force: of two equal stops the first asked leads
    ContactForce,
    SpeedSeparation,
    SsmReach,
    Pfl,
    StandstillZone,
    ReducedSpeed,
    FiniteCommand,
    PolicyWatchdog,
    PerceptionIntegrity,
    BrakingRamp,
    ConfigurationIntegrity,
    RecorderHealth,
    ProcessGuard,
    Uncertainty,
    OperatorLoad,
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
    "braking_ramp": {},
    # these wait for a flag of the cell's own controllers: one look a tick, never in ordinary work
    "guard_interlock": {},
    "human_authority": {},
    "configuration_integrity": {},
    "recorder_health": {},
}

# The table and 1 m of floor around it, up to where nobody reaches over (D). The reset button and
# the aisle stand outside.
FENCE = [-1.3, -1.8, -0.75, 1.9, 1.8, 2.0]  # m

PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    "unprotected": {},
    # nobody works beside the robot: whoever is inside the fence has opened its interlocked guard
    "fence": {**_BASIS, "guard_interlock": {"zones": [FENCE]}},
    "ssm_iso": {**_BASIS, "speed_separation": {}},
    "ssm_reach": {**_BASIS, "ssm_reach": {}},
    "pfl": {**_BASIS, "pfl": {}},
    # nobody's head or trunk is touched, arms and legs within the limits
    "ssm_pfl": {
        **_BASIS,
        "ssm_reach": {"regions": [*ON_TRUNK]},
        "pfl": {"regions": ["upper_arm", "lower_arm", "hand", "thigh", "lower_leg"]},
    },
    # 1.6 m (D): S_p of a Panda at 0.76 m/s, of an iiwa at 0.91 m/s (C); at 1.7 m/s straight at a
    # person S_p is 3.69 and 3.03 m, so that this is no separation for full speed
    "stop_always": {**_BASIS, "standstill_zone": {"distance": 1.6}},
    "shared": {**_BASIS, "speed_separation": {}, "reduced_speed": {"distance": 0.5}},
}

PURPOSES: dict[str, str] = {
    "unprotected": "nothing protects: what a trial and the price of safety are held against",
    "fence": "nobody works beside the robot: it stands while somebody is inside its fence",
    "ssm_iso": "people walk in; separation as ISO/TS 15066 computes it, slowing down and stopping",
    "ssm_reach": "people walk in; separation as near as a verified stop allows, for more output",
    "pfl": "contact is accepted, within the limits of force and energy of each region of the body",
    "ssm_pfl": "arms and legs may be touched, within the limits of pfl; head and trunk may not",
    "stop_always": "the robot stands while anybody is within 1.6 m",
    "shared": "people work beside it: separation as in ssm_iso, and slow within 0.5 m of them",
}
