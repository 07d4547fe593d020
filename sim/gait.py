"""The body and its motion-captured walk: forward kinematics of a person, as tables of capsule ends.

The walk is data/motions/humanoid3d_walk.txt of pybullet_data (from the CMU motion capture database
by way of DeepMimic), on the joint tree of humanoid/humanoid.urdf. There x is forward, y up and z to
the right; here x is forward, y to the left and z up, on the floor under the pelvis.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pybullet_data

from genba.sim.state import Array

HEIGHT = 1.75  # m, the default person
FRAMES = 64  # frames of the gait cycle after resampling
HARMONICS = 9  # of the gait cycle; what lies above is noise of the capture
URDF_SCALE = 0.25

# name: (parent, offset in urdf units, first column in a motion frame, numbers there).
# Four numbers are a quaternion w x y z, one is an angle about z, none is a fixed joint.
_JOINTS: dict[str, tuple[str, tuple[float, float, float], int, int]] = {
    "chest": ("root", (0.0, 0.944604, 0.0), 8, 4),
    "neck": ("chest", (0.0, 0.895576, 0.0), 12, 4),
    "right_hip": ("root", (0.0, 0.0, 0.339548), 16, 4),
    "right_knee": ("right_hip", (0.0, -1.686184, 0.0), 20, 1),
    "right_ankle": ("right_knee", (0.0, -1.63948, 0.0), 21, 4),
    "right_shoulder": ("chest", (-0.0962, 0.974, 0.73244), 25, 4),
    "right_elbow": ("right_shoulder", (0.0, -1.099152, 0.0), 29, 1),
    "left_hip": ("root", (0.0, 0.0, -0.339548), 30, 4),
    "left_knee": ("left_hip", (0.0, -1.686184, 0.0), 34, 1),
    "left_ankle": ("left_knee", (0.0, -1.63948, 0.0), 35, 4),
    "left_shoulder": ("chest", (-0.0962, 0.974, -0.73244), 39, 4),
    "left_elbow": ("left_shoulder", (0.0, -1.099152, 0.0), 43, 1),
}

# (region, frame, end 0, end 1, radius), ends in that joint's frame, in metres of the urdf's person
# (1.62 m). Radii are anatomical (about half the breadth of an adult's limb); the thicknesses of
# docs/standards.md 4 are bounds for a shield, twice as much. The foot ends lower_leg.
_LOWER = -0.25 * 1.035788  # m, wrist below the elbow
_SHANK = -0.25 * 1.63948
_Point = tuple[float, float, float]
_TRUNK: tuple[tuple[str, str, _Point, _Point, float], ...] = (
    ("skull", "neck", (-0.04, 0.195, 0.0), (0.02, 0.195, 0.0), 0.09),
    ("face", "neck", (0.045, 0.115, 0.0), (0.045, 0.165, 0.0), 0.065),
    ("neck", "neck", (0.0, 0.0, 0.0), (0.0, 0.09, 0.0), 0.058),
    ("back", "chest", (-0.045, 0.175, -0.12), (-0.045, 0.175, 0.12), 0.095),
    ("chest", "chest", (0.03, 0.135, -0.075), (0.03, 0.135, 0.075), 0.115),
    ("abdomen", "root", (0.01, 0.185, -0.045), (0.01, 0.185, 0.045), 0.12),
    ("pelvis", "root", (-0.01, 0.03, -0.06), (-0.01, 0.03, 0.06), 0.125),
)
_ARM: tuple[tuple[str, str, _Point, _Point, float], ...] = (
    ("upper_arm", "shoulder", (0.0, 0.0, 0.0), (0.0, -0.25 * 1.099152, 0.0), 0.047),
    ("lower_arm", "elbow", (0.0, 0.0, 0.0), (0.0, _LOWER, 0.0), 0.040),
    ("hand", "elbow", (0.0, _LOWER, 0.0), (0.0, _LOWER - 0.11, 0.0), 0.042),
)
_LEG: tuple[tuple[str, str, _Point, _Point, float], ...] = (
    ("thigh", "hip", (0.0, 0.0, 0.0), (0.0, -0.25 * 1.686184, 0.0), 0.075),
    ("lower_leg", "knee", (0.0, 0.0, 0.0), (0.035, _SHANK, 0.0), 0.055),
)
_BODY = _TRUNK + tuple(
    (region, f"{side}_{joint}", a, b, radius)
    for limb in (_ARM, _LEG)
    for side in ("right", "left")
    for region, joint, a, b, radius in limb
)

CAPSULE_REGIONS: tuple[str, ...] = tuple(row[0] for row in _BODY)
PELVIS, RIGHT_ARM, LEFT_ARM = 6, 7, 10  # first capsule of each


def _matrix(q: Array) -> Array:
    """(f, 4) quaternions w x y z to (f, 3, 3)."""
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _ends(motion: Array) -> Array:
    """Capsule ends (f, 17, 2, 3) in our axes of motion frames (f, 44)."""
    frames = {"root": (motion[:, 1:4], _matrix(motion[:, 4:8]))}
    for joint, (parent, offset, column, numbers) in _JOINTS.items():
        origin, turn = frames[parent]
        if numbers == 1:  # an angle about z
            half = motion[:, column] / 2
            zero = np.zeros_like(half)
            q = np.stack([np.cos(half), zero, zero, np.sin(half)], axis=1)
        else:
            q = motion[:, column : column + 4]
        here = origin + turn @ (URDF_SCALE * np.array(offset))
        frames[joint] = (here, turn @ _matrix(q))
    ends = np.empty((len(motion), len(_BODY), 2, 3))
    for k, (_, joint, a, b, _radius) in enumerate(_BODY):
        origin, turn = frames[joint]
        ends[:, k, 0] = origin + turn @ np.array(a)
        ends[:, k, 1] = origin + turn @ np.array(b)
    return np.stack([ends[..., 0], -ends[..., 2], ends[..., 1]], axis=-1)


def _closed(motion: Array) -> Array:
    """The cycle without its closing frame, with the last frame's mismatch spread over all."""
    motion = motion.copy()
    for column, numbers in [(4, 4)] + [(c, n) for _, _, c, n in _JOINTS.values()]:
        if numbers == 4:  # q and -q are the same turn: keep to one side
            q = motion[:, column : column + 4]
            q *= np.where(q @ q[0] < 0, -1.0, 1.0)[:, None]
    share = np.linspace(0.0, 1.0, len(motion))[:, None]
    motion -= share * (motion[-1] - motion[0])
    return motion[:-1]


def _resample(table: Array) -> Array:
    """Periodic (f, m) to (FRAMES, m), without what is above HARMONICS."""
    spectrum = np.fft.rfft(table, axis=0)[: HARMONICS + 1]
    smooth: Array = np.fft.irfft(spectrum, n=FRAMES, axis=0) * (FRAMES / len(table))
    return smooth


def _standing() -> Array:
    """A motion frame (1, 44) at ease: upright, elbows a little bent, arms off the hips."""
    rest = np.zeros((1, 44))
    for column, numbers in [(4, 4)] + [(c, n) for _, _, c, n in _JOINTS.values()]:
        rest[0, column] = 1.0 if numbers == 4 else 0.42
    rest[0, [20, 34]] = -0.06  # knees
    for column, side in ((25, -1.0), (39, 1.0)):  # shoulders: outwards by 5 degrees
        rest[0, column : column + 4] = np.cos(0.045), side * np.sin(0.045), 0.0, -0.03
    for column in (16, 30):  # hips: half the knees' bend
        rest[0, column : column + 4] = np.cos(0.015), 0.0, 0.0, np.sin(0.015)
    return rest


def _on_floor(ends: Array, radii: Array) -> Array:
    lowest = (ends[..., 2] - radii[:, None]).min()
    return np.asarray(ends - np.array([0.0, 0.0, lowest]))


@cache
def body() -> tuple[Array, float]:
    """The tables that every pose is made of, for a person one metre tall; multiply by the height.

    Returns (table, stride). Rows of 102 are 17 capsules x 2 ends x 3 coordinates in m, z up, x
    forward, origin on the floor under the pelvis. Row 0 stands; row 1 begins with the 17 radii;
    rows 2 to 2 + FRAMES + 2 are the gait cycle with one frame before and two after, for cubic
    interpolation. `stride` is the distance one cycle covers, in m.
    """
    path = Path(pybullet_data.getDataPath(), "data", "motions", "humanoid3d_walk.txt")
    motion = np.array(json.loads(path.read_text())["Frames"])
    stride = float(motion[-1, 1] - motion[0, 1])
    motion[:, 1] -= np.linspace(motion[0, 1], motion[-1, 1], len(motion))
    radii = np.array([row[4] for row in _BODY])
    walk = _resample(_ends(_closed(motion)).reshape(len(motion) - 1, -1))
    walk = _on_floor(walk.reshape(FRAMES, -1, 2, 3), radii)
    walk[..., :2] -= walk[:, PELVIS, :, :2].mean(axis=(0, 1))
    stand = _on_floor(_ends(_standing()), radii)
    stand[..., :2] -= stand[:, PELVIS, :, :2].mean(axis=(0, 1))
    tall = float((stand[0, ..., 2] + radii[:, None]).max())
    table: Array = np.zeros((FRAMES + 5, 102))
    table[0] = stand.ravel()
    table[1, : len(radii)] = radii
    table[2:] = np.take(walk.reshape(FRAMES, -1), range(-1, FRAMES + 2), axis=0, mode="wrap")
    table = np.ascontiguousarray(table / tall)
    table.flags.writeable = False
    return table, stride / tall
