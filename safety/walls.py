"""What a robot's points may not run into: planes and boxes, as limits on their motion.

Every look writes rows of eight, one for each end of a robot's capsule that would go too fast: the
frame that carries it, its place (m), the unit direction towards what it must keep from, and the
greatest speed (m/s) along that direction. They are linear in the joints' speeds, so that
`projection.nearest` can keep them. A body lies wholly beyond the plane through its nearest point:
an end that keeps the way to that plane keeps clear of all of the body.
"""

from __future__ import annotations

from math import inf, sqrt

from genba.safety.geometry import ball_of, faster_end
from genba.sim.compiled import kernel
from genba.sim.state import Array

STILL = 2e-4  # m/s and less is no motion towards anything, and what a program may be off
OTHER = "the capsules are not those of this robot or person"
ROWS = 96  # rows of one kind at most; what is left out is found in the next round
# the settings' places: kept free (m), reaction time (s), deceleration (m/s^2), gain (1/s)
MARGIN, DELAY, BRAKE, GAIN = 0, 1, 2, 3

Direction = tuple[float, float, float]
# rows written, least share of the motion that fits, trigger and limit (m/s) there, least way (m)
Look = tuple[int, float, float, float, float]
World = tuple[Array, Array, Array]  # half-spaces (k, 4), boxes (k, 6), settings


@kernel(inline="always", error_model="numpy")
def cap(way: float, settings: Array) -> float:
    """The speed (m/s) that can be stopped within `way` (m), at most gain times way."""
    if not way > 0.0:
        return 0.0
    delay, brake = settings[DELAY], settings[BRAKE]
    v = brake * (sqrt(delay * delay + 2.0 * way / brake) - delay)
    most: float = settings[GAIN] * way
    return v if v < most else most


@kernel(inline="always", error_model="numpy")
def allowed(v: float, m: float, way: float, meets: float, settings: Array) -> float:
    """The greatest speed (m/s) of an end asked v and measured m, `way` (m) from what it may not
    meet; that comes at `meets` (m/s) itself. Infinity where v is no greater.
    """
    if v <= STILL:
        return inf
    most = max(0.0, cap(way, settings) - max(0.0, meets))
    if m > most and m > STILL:  # too fast already: as much less as it is too fast
        most = most * most / m
    return inf if v <= most + STILL else most


@kernel(inline="always", error_model="numpy")
def put_row(
    out: Array, count: int, frame: float, bodies: Array, i: int, e: int, n: Direction, most: float
) -> int:
    """A row for end e (0 or 1) of robot capsule i; returns how many there are."""
    if count < min(ROWS, out.shape[0]):
        out[count, 0] = frame
        for a in range(3):
            out[count, 1 + a], out[count, 4 + a] = bodies[i, 3 * e + a], n[a]
        out[count, 7] = most
        return count + 1
    return count


@kernel(inline="always", error_model="numpy")
def along_of(rows: Array, i: int, e: int, n: Direction) -> float:
    """The speed (m/s) of end e (0 or 1) of row i along a direction."""
    v = 0.0
    for a in range(3):
        v += n[a] * rows[i, 3 * e + a]
    return v


@kernel(inline="always", error_model="numpy")
def length_of(bodies: Array, i: int, n: Direction) -> float:
    """The way (m) from one end of capsule i to the other along a direction."""
    way = 0.0
    for a in range(3):
        way += n[a] * (bodies[i, 3 + a] - bodies[i, a])
    return way


@kernel(inline="always", error_model="numpy")
def inverse_of(settings: Array) -> tuple[float, float, float, float]:
    """The settings as `_reach` takes them, which is asked about every pair: without a division."""
    brake, gain = 0.5 / settings[BRAKE], 1.0 / settings[GAIN]
    return settings[MARGIN], settings[DELAY], brake, gain


@kernel(inline="always", error_model="numpy")
def reach_of(v: float, terms: tuple[float, float, float, float]) -> float:
    """Way (m) beyond which an end that moves at v (m/s) is never held back."""
    margin, delay, brake, gain = terms
    stop, bend = v * (delay + v * brake), v * gain
    reach: float = margin + (stop if stop > bend else bend)
    return reach


@kernel(error_model="numpy")
def planes(
    bodies: Array, asked: Array, measured: Array, frames: Array, walls: Array, settings: Array,
    out: Array,
) -> Look:  # fmt: skip
    """Against half-spaces. Rows of walls: outward unit normal, offset; n x <= offset is allowed.

    Writes to `out` (k, 8). Bodies (c, 7) are carried by frames (c,), asked and measured to move
    with rows (c, 6).
    """
    if frames.shape[0] != bodies.shape[0]:
        raise ValueError(OTHER)
    terms, count, ratio, trigger, limit, least = inverse_of(settings), 0, 1.0, 0.0, 0.0, inf
    for i in range(bodies.shape[0]):
        if frames[i] == 0.0:
            continue  # what does not move
        # so far away, nothing that moves like this is held back
        reach = reach_of(max(faster_end(asked, i, 0), faster_end(measured, i, 0)), terms)
        for k in range(walls.shape[0]):
            n = walls[k, 0], walls[k, 1], walls[k, 2]
            for e in range(2):
                way = walls[k, 3] - bodies[i, 6]
                for a in range(3):
                    way -= n[a] * bodies[i, 3 * e + a]
                least = min(least, way)
                if way > reach:
                    continue
                v, m = along_of(asked, i, e, n), along_of(measured, i, e, n)
                most = allowed(v, m, way - settings[MARGIN], 0.0, settings)
                if most < inf:
                    count = put_row(out, count, frames[i], bodies, i, e, n, most)
                    if most / v < ratio:
                        ratio, trigger, limit = most / v, v, most
    return count, ratio, trigger, limit, least


@kernel(error_model="numpy")
def _nearest(box: Array, rod: Array) -> tuple[float, float, float, float, float]:
    """Distance (m) of a capsule's axis from a box, where on the axis (0..1), direction to the box.

    The squared distance is convex along the axis: halving finds where its slope changes sign.
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        t = 0.5 * (low + high)
        slope = 0.0
        for a in range(3):
            way = rod[a + 3] - rod[a]
            x = rod[a] + t * way
            slope += way * (min(0.0, x - box[a]) + max(0.0, x - box[a + 3]))
        if slope > 0.0:
            high = t
        else:
            low = t
    t = 0.5 * (low + high)
    x = rod[0] + t * (rod[3] - rod[0])
    y = rod[1] + t * (rod[4] - rod[1])
    z = rod[2] + t * (rod[5] - rod[2])
    dx = max(0.0, box[0] - x) - max(0.0, x - box[3])
    dy = max(0.0, box[1] - y) - max(0.0, y - box[4])
    dz = max(0.0, box[2] - z) - max(0.0, z - box[5])
    d = sqrt(dx * dx + dy * dy + dz * dz)
    if d < 1e-9:
        return 0.0, t, 0.0, 0.0, 0.0
    return d, t, dx / d, dy / d, dz / d


@kernel(error_model="numpy")
def boxes(
    bodies: Array, asked: Array, measured: Array, frames: Array, zones: Array, settings: Array,
    out: Array,
) -> Look:  # fmt: skip
    """Against boxes that nothing may enter, rows [x0, y0, z0, x1, y1, z1]; else as `planes`.

    The least way is exact below zero, and minus infinity where an axis is inside a box.
    """
    if frames.shape[0] != bodies.shape[0]:
        raise ValueError(OTHER)
    terms, count, ratio, trigger, limit, least = inverse_of(settings), 0, 1.0, 0.0, 0.0, inf
    for i in range(bodies.shape[0]):
        if frames[i] == 0.0:
            continue
        x, y, z, r = ball_of(bodies, i, 0)
        top = max(faster_end(asked, i, 0), faster_end(measured, i, 0))
        reach = r + reach_of(top, terms)
        for k in range(zones.shape[0]):
            b = zones[k]
            dx = max(0.0, max(b[0] - x, x - b[3]))
            dy = max(0.0, max(b[1] - y, y - b[4]))
            dz = max(0.0, max(b[2] - z, z - b[5]))
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            d, s, nx, ny, nz = _nearest(b, bodies[i])
            n = nx, ny, nz
            least = min(least, d - bodies[i, 6] if d > 0.0 else -inf)
            along = length_of(bodies, i, n)
            for e in range(2):
                v, m = along_of(asked, i, e, n), along_of(measured, i, e, n)
                way = d - bodies[i, 6] - settings[MARGIN] + max(0.0, (s - e) * along)
                most = allowed(v, m, way, 0.0, settings)
                if most < inf:
                    count = put_row(out, count, frames[i], bodies, i, e, n, most)
                    if most / v < ratio:
                        ratio, trigger, limit = most / v, v, most
    return count, ratio, trigger, limit, least


@kernel(error_model="numpy")
def worse(one: Look, two: Look) -> Look:
    """Two looks, the second into the rows after the first's, as one: the smaller share and way."""
    count, least = one[0] + two[0], min(one[4], two[4])
    lead = one if two[0] == 0 or (one[0] > 0 and one[1] <= two[1]) else two
    return count, lead[1], lead[2], lead[3], least


@kernel(error_model="numpy")
def space(
    bodies: Array, asked: Array, measured: Array, frames: Array, walls: Array, zones: Array,
    settings: Array, out: Array,
) -> Look:  # fmt: skip
    """Against half-spaces and boxes in one call; `out` (2 ROWS, 8)."""
    one: Look = planes(bodies, asked, measured, frames, walls, settings, out)
    if zones.shape[0] == 0:
        return one
    return worse(one, boxes(bodies, asked, measured, frames, zones, settings, out[one[0] :]))
