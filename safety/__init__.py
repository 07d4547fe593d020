"""Safety: the only door between a policy and the robot. Modelled on standards, not certified."""

from genba.safety.catalogue import PROFILES, RULES
from genba.safety.config import (
    describe,
    fingerprint,
    profiles,
    read_config,
    resolve_profile,
    untouched,
)
from genba.safety.layer import LAYER, SafetyLayer
from genba.safety.robot import Guarded, RobotModel, kinematics
from genba.safety.rule import PASS, Config, Parameters, Rule, RuleClass, Verdict
from genba.safety.verdicts import Decision

__all__ = [
    "LAYER",
    "PASS",
    "PROFILES",
    "RULES",
    "Config",
    "Decision",
    "Guarded",
    "Parameters",
    "RobotModel",
    "Rule",
    "RuleClass",
    "SafetyLayer",
    "Verdict",
    "describe",
    "fingerprint",
    "kinematics",
    "profiles",
    "read_config",
    "resolve_profile",
    "untouched",
]
