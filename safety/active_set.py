"""The small program of `projection`, solved on the spot: the dual method of Goldfarb and Idnani.

The nearest x to `asked` in the measure H that keeps linear limits. With H = L L' and
y = L' (x - asked) that is the shortest y. It starts at 0, where nothing is kept, and takes in the
limit that is missed most, one at a time: y moves along what is left of that limit's normal beside
those taken in, until it is kept or one of them no longer pulls and is let go. Every limit that is
taken in pulls y towards its own inside, so that y is the shortest that keeps them.

The answer counts only where that is proven of it: x is made anew of the pulls, keeps all limits and
lies on those that pull. What is not proven in STEPS is left to the solver.
"""

from __future__ import annotations

from math import inf, sqrt

from genba.sim.compiled import kernel
from genba.sim.state import Array

Bounds = tuple[Array, Array]  # least and greatest x (n,)
# y (n,); of the limits taken in normals (k, n), how strongly they pull (k,), numbers (k,); and room
# to work in: three (n,), one (n, n) and one for each column
Held = tuple[Array, Array, Array, Array, Array, Array, Array, Array, Array]

FITS = 1e-9  # m/s and rad/s by which a limit may be missed; the solver's TOLERANCE is more
STEPS = 24  # limits taken in or let go, at most (D)
APART = 1e-10  # squared share of a normal that is left beside others, below which nothing is


@kernel(error_model="numpy")
def inverse_factor(size: Array, low: Array, out: Array) -> None:
    """Into `out` L^-1 (n, n), lower, of H = L L'; NaN where H is not positive definite.

    `low` (n, n) is room to work in.
    """
    n = size.shape[0]
    for i in range(n):
        for j in range(i + 1):
            s = size[i, j]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            low[i, j] = 1.0 / sqrt(s) if i == j else s * low[j, j]  # the diagonal inverted
    for i in range(n):
        out[i, i] = low[i, i]
        for j in range(i):
            s = 0.0
            for k in range(j, i):
                s -= low[i, k] * out[k, j]
            out[i, j], out[j, i] = s * low[i, i], 0.0


@kernel(error_model="numpy")
def _place(asked: Array, inverse: Array, y: Array, out: Array) -> None:
    """Into `out` x (n,) = asked + L'^-1 y."""
    n = asked.shape[0]
    for i in range(n):
        out[i] = asked[i]
    for j in range(n):
        for i in range(j + 1):
            out[i] += inverse[j, i] * y[j]


@kernel(error_model="numpy")
def _beyond(x: Array, bounds: Bounds, along: Array, caps: Array, at: int) -> float:
    """How far x (n,) is beyond limit `at`, below zero where it keeps it.

    Numbers: the upper bounds, the lower bounds, then the columns of `along`.
    """
    n = x.shape[0]
    if at < n:
        return float(x[at] - bounds[1][at])
    if at < 2 * n:
        return float(bounds[0][at - n] - x[at - n])
    s = -caps[at - 2 * n]
    for i in range(n):
        s += along[i, at - 2 * n] * x[i]
    return float(s)


@kernel(error_model="numpy")
def _worst(
    x: Array, bounds: Bounds, along: Array, caps: Array, m: int, missed: Array
) -> tuple[int, float]:
    """The limit that x (n,) misses most, and by how much; -1 where it keeps all.

    `missed` (m,) is room to work in: several rows are reckoned at a time.
    """
    low, high = bounds
    n, at, most = x.shape[0], -1, FITS
    for i in range(n):
        if x[i] - high[i] > most:
            at, most = i, x[i] - high[i]
        if low[i] - x[i] > most:
            at, most = n + i, low[i] - x[i]
    for r in range(m):
        missed[r] = -caps[r]
    for i in range(n):
        xi = x[i]
        for r in range(m):
            missed[r] += along[i, r] * xi
    for r in range(m):
        if missed[r] > most:
            at, most = 2 * n + r, missed[r]
    return at, most


@kernel(error_model="numpy")
def _normal(inverse: Array, along: Array, at: int, out: Array) -> None:
    """The normal (n,) of limit `at` in y, L^-1 a."""
    n = out.shape[0]
    for i in range(n):
        s = 0.0
        if at < n:
            s = inverse[i, at]
        elif at < 2 * n:
            s = -inverse[i, at - n]
        else:
            for j in range(i + 1):
                s += inverse[i, j] * along[j, at - 2 * n]
        out[i] = s


@kernel(error_model="numpy")
def _beside(
    normals: Array, k: int, normal: Array, shares: Array, rest: Array, gram: Array
) -> float:
    """What is left of a normal (n,) beside the span of k others, into `rest`; its square.

    Into `shares` (n,) how much there is of each of them. NaN where they are dependent.
    """
    n, square = normal.shape[0], 0.0
    for c in range(k):  # N N' = G G', the diagonal inverted, and the first half of its solution
        shares[c] = 0.0
        for i in range(n):
            shares[c] += normals[c, i] * normal[i]
        for d in range(c + 1):
            s = 0.0
            for i in range(n):
                s += normals[c, i] * normals[d, i]
            for e in range(d):
                s -= gram[c, e] * gram[d, e]
            gram[c, d] = 1.0 / sqrt(s) if c == d else s * gram[d, d]
        for d in range(c):
            shares[c] -= gram[c, d] * shares[d]
        shares[c] *= gram[c, c]
    for c in range(k - 1, -1, -1):
        for d in range(c + 1, k):
            shares[c] -= gram[d, c] * shares[d]
        shares[c] *= gram[c, c]
    for i in range(n):
        rest[i] = normal[i]
        for c in range(k):
            rest[i] -= shares[c] * normals[c, i]
        square += rest[i] * rest[i]
    return square


@kernel(error_model="numpy")
def _take(held: Held, k: int, at: int, missed: float) -> int:
    """Takes limit `at` in, missed by so much (m/s); moves y. Returns how many there are now.

    Limits that no longer pull are let go. -1: it cannot be kept beside those that do.
    """
    y, normals, pulls, taken, normal, shares, rest, gram, _ = held
    n, pull, size = y.shape[0], 0.0, 0.0
    for i in range(n):
        size += normal[i] * normal[i]
    while True:
        left = _beside(normals, k, normal, shares, rest, gram)
        free = left > APART * size
        step, gone = missed / left if free else inf, -1
        for c in range(k):
            if shares[c] > 0.0 and pulls[c] < step * shares[c]:
                step, gone = pulls[c] / shares[c], c
        if not step < inf:
            return -1
        pull += step
        missed -= step * left
        for c in range(k):
            pulls[c] -= step * shares[c]
        for i in range(n if free else 0):
            y[i] -= step * rest[i]
        if gone < 0:
            break
        k -= 1
        pulls[gone], taken[gone] = pulls[k], taken[k]
        for i in range(n):
            normals[gone, i] = normals[k, i]
    pulls[k], taken[k] = pull, at
    for i in range(n):
        normals[k, i] = normal[i]
    return k + 1


@kernel(error_model="numpy")
def settle(
    asked: Array, inverse: Array, bounds: Bounds, along: Array, caps: Array, m: int, held: Held,
    k: int, out: Array,
) -> int:  # fmt: skip
    """Into `out` the x (n,) nearest to `asked` with low <= x <= high and a x <= cap, if found.

    `inverse` (n, n) is the `inverse_factor` of the measure, `bounds` are low and high (n,), a the
    first m columns of `along`, cap the first m of `caps`. Goes on from k limits in `held`, those of
    a program with fewer columns. Returns how many it holds; -1 where x is not proven to be the one,
    but for FITS. All numbers must be finite.
    """
    y, normals, pulls, taken, normal, _, _, _, missed = held
    n = asked.shape[0]
    for _ in range(STEPS):
        _place(asked, inverse, y, out)
        at, most = _worst(out, bounds, along, caps, m, missed)
        if at < 0:
            break
        _normal(inverse, along, at, normal)
        k = _take(held, k, at, most)
        if k < 0:
            return -1
    for i in range(n):
        y[i] = 0.0
        for c in range(k):
            y[i] -= max(0.0, pulls[c]) * normals[c, i]
    _place(asked, inverse, y, out)
    good = _worst(out, bounds, along, caps, m, missed)[0] < 0
    for c in range(k):
        good = good and _beyond(out, bounds, along, caps, int(taken[c])) > -FITS
    for i in range(n):
        out[i] = min(max(out[i], bounds[0][i]), bounds[1][i])  # what FITS left
    return k if good else -1
