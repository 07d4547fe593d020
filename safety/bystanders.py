"""People that a robot's points may not run into, as limits on their motion; rows as in walls.py."""

from __future__ import annotations

from math import inf, isfinite, nan

from genba.safety.crowd import ENDS, FASTER, GAPS, MOVES, RADIUS
from genba.safety.geometry import faster_end
from genba.safety.walls import (
    MARGIN,
    OTHER,
    STILL,
    Look,
    World,
    allowed,
    along_of,
    inverse_of,
    length_of,
    put_row,
    reach_of,
    space,
    worse,
)
from genba.sim.compiled import kernel
from genba.sim.separation import closest_rows
from genba.sim.state import Array

ROUNDING = 1e-6  # m, what a bound that spares arithmetic leaves to it
Others = tuple[Array, Array]  # a crowd's bodies (m, BODY) and its sight


@kernel(inline="always", error_model="numpy")
def _room(
    bodies: Array, i: int, asked: Array, measured: Array, sight: Array,
    terms: tuple[float, float, float, float],
) -> None:  # fmt: skip
    """How much further (m) than it need be each body is from robot capsule i, into the last row of
    `sight`; infinity for one that the capsule does not move towards.

    The ends of both are held against the direction between the two at once, as if the fastest of
    each were the nearest: where that leaves room no end is held back. Without a branch, so that
    several bodies are reckoned at a time.
    """
    a0, a1, a2 = asked[i, 0], asked[i, 1], asked[i, 2]
    a3, a4, a5 = asked[i, 3], asked[i, 4], asked[i, 5]
    m0, m1, m2 = measured[i, 0], measured[i, 1], measured[i, 2]
    m3, m4, m5 = measured[i, 3], measured[i, 4], measured[i, 5]
    margin, delay, brake, gain = terms
    radius, row, more, work = bodies[i, 6], GAPS + i, bodies.shape[0], sight.shape[0] - 1
    for j in range(sight.shape[1] - 1):
        gap = sight[row, j]
        unit = 1.0 / (gap + radius + sight[RADIUS, j])
        x, y = sight[row + more, j] * unit, sight[row + 2 * more, j] * unit
        z = sight[row + 3 * more, j] * unit
        one, two = x * a0 + y * a1 + z * a2, x * a3 + y * a4 + z * a5
        v = one if one > two else two
        one, two = x * m0 + y * m1 + z * m2, x * m3 + y * m4 + z * m5
        top = one if one > two else two
        top = top if top > v else v
        one = x * sight[ENDS, j] + y * sight[ENDS + 1, j] + z * sight[ENDS + 2, j]
        two = x * sight[ENDS + 3, j] + y * sight[ENDS + 4, j] + z * sight[ENDS + 5, j]
        away = one if one < two else two
        top -= away if away < 0.0 else 0.0
        stop, bend = top * (delay + top * brake), top * gain
        room = gap - margin - (stop if stop > bend else bend)
        sight[work, j] = inf if v <= STILL else room


@kernel(error_model="numpy")
def people(
    bodies: Array, asked: Array, measured: Array, frames: Array, others: Array, sight: Array,
    settings: Array, out: Array,
) -> Look:  # fmt: skip
    """Against people, the rows (m, BODY) of a crowd with its `sight`; else as `walls.planes`.

    How fast a person comes nearer counts; one who goes away earns the robot no speed. The least way
    is that to those who were looked at.
    """
    if frames.shape[0] != bodies.shape[0] or sight.shape[0] != GAPS + 4 * bodies.shape[0] + 1:
        raise ValueError(OTHER)
    terms, count, ratio, trigger, limit, least = inverse_of(settings), 0, 1.0, 0.0, 0.0, inf
    last, work, hurry = sight.shape[1] - 1, sight.shape[0] - 1, 0.0
    total = sight[GAPS, last]
    for j in range(others.shape[0]):
        hurry = max(hurry, others[j, FASTER])
        total += others[j, FASTER]
    if not isfinite(total):  # nobody knows where they are or how fast: no program can keep that
        out[0] = nan
        return 1, 0.0, nan, nan, -inf
    for i in range(bodies.shape[0]):
        top = faster_end(asked, i, 0)
        if frames[i] == 0.0 or top <= STILL:
            continue
        top = max(top, faster_end(measured, i, 0))
        if sight[GAPS + i, last] > reach_of(top + hurry, terms):
            continue  # whoever is nearer may count
        _room(bodies, i, asked, measured, sight, terms)
        for j in range(others.shape[0]):
            if sight[work, j] > ROUNDING:
                continue
            d, s, _, nx, ny, nz = closest_rows(bodies, i, others, j)
            n = nx, ny, nz
            least = min(least, d)
            one, two = 0.0, 0.0
            for a in range(3):
                one -= n[a] * others[j, MOVES + a]
                two -= n[a] * others[j, MOVES + 3 + a]
            along = length_of(bodies, i, n)
            for e in range(2):
                v, m = along_of(asked, i, e, n), along_of(measured, i, e, n)
                way = d - settings[MARGIN] + max(0.0, (s - e) * along)
                most = allowed(v, m, way, max(one, two), settings)
                if most < inf:
                    count = put_row(out, count, frames[i], bodies, i, e, n, most)
                    if most / v < ratio:
                        ratio, trigger, limit = most / v, v, most
    return count, ratio, trigger, limit, least


@kernel(error_model="numpy")
def against(
    bodies: Array, asked: Array, measured: Array, frames: Array, world: World, crowd: Others,
    out: Array,
) -> Look:  # fmt: skip
    """`walls.space` and `people` in one call."""
    walls, zones, settings = world
    others, sight = crowd
    one: Look = space(bodies, asked, measured, frames, walls, zones, settings, out)
    if others.shape[0] == 0:
        return one
    rows = out[one[0] :]
    return worse(one, people(bodies, asked, measured, frames, others, sight, settings, rows))
