"""The numbers and formulas the safety rules are made of, each beside its source.

Source tags: P read in a primary or official text; S read in a secondary text that quotes it;
R recalled and not verified; C computed from the stated inputs; D this project's own default.
Nothing here is a safety function: the rules are modelled on these standards, not certified.
"""

from __future__ import annotations

from math import inf, isfinite, pi, sqrt

from genba.sim.compiled import kernel

# How fast a person closes in when their speed is not measured (S, ISO 13855)
HUMAN_SPEED_WALKING = 1.6  # m/s, where the separation is above HAND_REACH
HUMAN_SPEED_REACHING = 2.0  # m/s, up to HAND_REACH
HAND_REACH = 0.5  # m

# Intrusion distance C: how far a body part gets before the sensor sees it
FINE_DETECTION = 0.040  # m, coarsest capability for which the formula holds (S)
INTRUSION_SLOPE = 8.0  # C = 8 (d - 0.014 m), not below 0 (S)
INTRUSION_OFFSET = 0.014  # m (S)
INTRUSION_BODY = 0.850  # m, coarser or body detection only (P, makers' manuals)
INTRUSION_SKELETON = 0.0  # m, idealised 3-D skeleton (D, a research deviation)

# Speed and separation monitoring, defaults (D)
REACTION_TIME = 0.1  # s, robot and control
SENSOR_DELAY = 0.1  # s, from the world to the measured people
DECELERATION = 1.4  # m/s^2, the least a Panda realises, as in sim/robots.py; rules ask the robot
Z_D = 0.05  # m, uncertainty of the measured person
Z_R = 0.01  # m, uncertainty of the measured robot
RESTART_MARGIN = 0.10  # m above S_p(0) before the robot moves again
RESTART_TIME = 0.5  # s that the way must stay clear

# Stops, speeds and tolerances
REDUCED_SPEED = 0.25  # m/s at the TCP (S, ISO 10218-1)
STANDSTILL_JOINT = 5.0 * pi / 180.0  # rad, joint position tolerance of a real PL d arm (P)
STANDSTILL_TCP = 0.040  # m, safety plane and stopping distance tolerance of the same (P)
STANDSTILL_JOINT_SPEED = 1.15 * pi / 180.0  # rad/s, joint speed tolerance of the same (P)
TOOL_SPEED_TOLERANCE = 0.050  # m/s, tool speed tolerance of the same (P)
PERCEPTION_AGE = 0.1  # s (D)
PERCEPTION_BACK = 2.0  # s within which a sensor may come back by itself (D)
PERCEPTION_AREA = 3.0  # m around the robot that the sensors watch as a whole (D)
PERCEPTION_JUMP = 0.5  # m beyond a person's way between two reports: somebody else (D)
PERCEPTION_DISAGREEMENT = 0.1  # m between two trackers of one person: twice their bound (D)
WATCHDOG_TICKS = 3  # bad safety ticks in a row (D)
WATCHDOG_HOLDS = 3  # holds within WATCHDOG_WINDOW that call a person (D)
WATCHDOG_WINDOW = 60.0  # s (D)
WATCHDOG_LONGEST = 10.0  # s of one hold that call a person (D)
RECOVERY_AFTER = 0.5  # s of hold until the recovery controller lifts the tool (D)
RECOVERY_WAY = 0.05  # m by which it does (D)

# Touches, and what the cell's controllers report
CONTACT_FORCE = 10.0  # N that count as a touch: ten times the noise of a wrist's force sensing (D)
CONTACT_NEAR = 0.25  # m of a measured person: Z_d and 1.6 m/s over the sensor's delay, rounded (C)
CONTACT_HOLD = 2.0  # s that a robot stands after a touch (D)
RETREAT_WAY = 0.02  # m (D)
RETREAT_CLEAR = 0.3  # m to people that must be left: a hand goes 0.26 m unseen (D)
RETREAT_MARGIN = 0.02  # rad a joint keeps from its limits, as joint_limits does (D)
RETREAT_SPEED = 0.04  # m/s, below TOOL_SPEED_TOLERANCE: who draws back counts as standing (D)
CLAMP_TIME = 0.5  # s of touch from which a part counts as clamped (S)
COLLISION_FORCE = 25.0  # N, force tolerance of a real PL d arm (P)
COLLISION_HARD = 50.0  # N (D)
COLLISION_AGAIN = 60.0  # s within which a second collision is one too many (D)
INSERTION_FORCE = 110.0  # N on the part in hand (C: 1.5 times what ordinary work of both cells has)
RETRIES = 2  # grips in a row that got hold of nothing (D)
FINISH_TIME = 30.0  # s to finish the cycle in once the record fails (D)
REQUESTS_PER_10_MIN = 1.0  # alarm load of one operator (S, EEMUA 191)
ATTENTION_DEMAND = 0.3  # RAD of docs/standards.md 6 above which an operator is overloaded (D)
LOAD_SUSTAINED = 60.0  # s (D)
TICK = 1.0 / 120.0  # s; speed and separation want at least 100 Hz (S, NIST)


NOTHING = 1e-12  # m, less is no room: what is reckoned from it is lost in rounding


@kernel()
def separation(v_r: float, v_h: float, t_r: float, a: float, d0: float) -> float:
    """Protective separation distance S_p (m) at constant deceleration, d0 = C + Z_d + Z_r.

    For a robot that moves straight at the person. One that recedes earns no credit. Infinite when a
    number is not finite, `a` not positive or `t_r` negative.
    Source: ISO/TS 15066 5.5.4, ISO 10218-2:2025 Annex L (S).
    """
    return separation_in_motion(v_r, v_r, v_h, t_r, a, d0)


@kernel()
def separation_in_motion(
    v_r: float, v: float, v_h: float, t_r: float, a: float, d0: float
) -> float:
    """S_p (m) of a robot that moves at v (m/s), v_r of it towards the person.

    The person comes on until the robot stands, and that takes T_s = v / a whichever way it moves:
    S_h = v_h (T_r + v/a), S_r = v_r T_r, S_s = v_r T_s / 2. Otherwise as `separation`.
    """
    if not (a > 0.0 and isfinite(a) and t_r >= 0.0 and isfinite(v_h) and v_r == v_r):
        return inf
    v_r = 0.0 if v_r < 0.0 else v_r
    v = v if v > v_r else v_r
    v_h = 0.0 if v_h < 0.0 else v_h
    s_p = v_h * (t_r + v / a) + v_r * t_r + v_r * v / (2.0 * a) + d0
    return s_p if isfinite(s_p) else inf


@kernel()
def scale_in_motion(
    d: float, v_r: float, v: float, v_h: float, t_r: float, a: float, d0: float
) -> float:
    """Greatest scale in [0, 1] of both speeds that keeps `separation_in_motion` <= d (C).

    Zero where none does, and where a number is bad.
    """
    if not (d > d0 and a > 0.0 and isfinite(a) and t_r >= 0.0 and isfinite(v_h + v + v_r)):
        return 0.0
    v_r = 0.0 if v_r < 0.0 else v_r
    v = v if v > v_r else v_r
    v_h = 0.0 if v_h < 0.0 else v_h
    spare = d - d0 - v_h * t_r
    if not (spare > NOTHING and isfinite(spare)):
        return 0.0
    first, second = v_h * v / a + v_r * t_r, v_r * v / (2.0 * a)
    # the root of second s^2 + first s = spare, in the form without cancellation
    root = first + sqrt(first * first + 4.0 * second * spare)
    return 1.0 if root <= 2.0 * spare else 2.0 * spare / root


@kernel()
def speed_cap(d: float, v_h: float, t_r: float, a: float, d0: float) -> float:
    """Greatest directed speed (m/s) that keeps S_p <= d: the exact inverse of `separation` (C).

    Zero where no speed does, and where a number is bad as in `separation`.
    """
    if not (d > d0 and a > 0.0 and isfinite(a) and t_r >= 0.0 and isfinite(v_h)):
        return 0.0
    v_h = 0.0 if v_h < 0.0 else v_h
    rest = a * t_r + v_h
    root = v_h * v_h + (a * t_r) * (a * t_r) + 2.0 * a * (d - d0)
    if not sqrt(root) + rest > 0.0:
        return 0.0
    # (root - rest^2) / (sqrt(root) + rest) is sqrt(root) - rest without its cancellation
    cap = (2.0 * a * (d - d0) - 2.0 * a * t_r * v_h) / (sqrt(root) + rest)
    return cap if isfinite(cap) and cap > 0.0 else 0.0


@kernel()
def iso_separation(v_r: float, v: float, t_r: float, a: float, d0: float) -> float:
    """S_p (m) for a person whose speed is not measured (S, ISO 13855).

    2.0 m/s while the result stays within 0.5 m, else 1.6 m/s, yet never below 0.5 m.
    """
    near = separation_in_motion(v_r, v, HUMAN_SPEED_REACHING, t_r, a, d0)
    if near <= HAND_REACH:
        return near
    return max(HAND_REACH, separation_in_motion(v_r, v, HUMAN_SPEED_WALKING, t_r, a, d0))


@kernel()
def iso_speed_cap(d: float, t_r: float, a: float, d0: float) -> float:
    """Greatest speed (m/s) straight at the person that keeps `iso_separation` <= d; 0 if bad."""
    v_h = HUMAN_SPEED_WALKING if d > HAND_REACH else HUMAN_SPEED_REACHING
    return speed_cap(d, v_h, t_r, a, d0)


def intrusion(sensor: str, capability: float) -> float:
    """Intrusion distance C (m) of a sensor with a detection capability (m); ISO 13855 (S)."""
    if sensor == "skeleton":
        return INTRUSION_SKELETON
    if sensor == "light_curtain" and capability <= FINE_DETECTION:
        return max(0.0, INTRUSION_SLOPE * (capability - INTRUSION_OFFSET))
    return INTRUSION_BODY


def regime(sensor: str, capability: float) -> str:
    """What C follows from, in words for a report."""
    c = intrusion(sensor, capability)
    if sensor == "skeleton":
        return f"C = {c:.3f} m, idealised 3-D skeleton: a research deviation from ISO 13855"
    if sensor == "light_curtain" and capability <= FINE_DETECTION:
        return f"C = {c:.3f} m, 8 (d - 14 mm) at a detection capability of {capability * 1e3:g} mm"
    return f"C = {c:.3f} m, body detection"
