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

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.sim.state import Array

Marks = NDArray[np.int64]

FITS = 1e-9  # m/s and rad/s by which a limit may be missed; the solver's TOLERANCE is more
STEPS = 24  # limits taken in or let go, at most (D)
APART = 1e-10  # squared share of a normal that is left beside others, below which nothing is


@njit(cache=True, error_model="numpy")
def inverse_factor(size: Array) -> Array:
    """L^-1 (n, n), lower, of H = L L'; NaN where H is not positive definite."""
    n = size.shape[0]
    low, out = np.empty((n, n)), np.zeros((n, n))
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
            out[i, j] = s * low[i, i]
    return out


@njit(cache=True, error_model="numpy")
def _place(asked: Array, inverse: Array, y: Array, out: Array) -> None:
    """Into `out` x (n,) = asked + L'^-1 y."""
    n = asked.shape[0]
    for i in range(n):
        out[i] = asked[i]
    for j in range(n):
        for i in range(j + 1):
            out[i] += inverse[j, i] * y[j]


@njit(cache=True, error_model="numpy")
def _beyond(x: Array, low: Array, high: Array, along: Array, caps: Array, at: int) -> float:
    """How far x (n,) is beyond limit `at`, below zero where it keeps it."""
    n, m = x.shape[0], caps.shape[0]
    if at >= m + n:
        return float(low[at - m - n] - x[at - m - n])
    if at >= m:
        return float(x[at - m] - high[at - m])
    s = -caps[at]
    for i in range(n):
        s += along[at, i] * x[i]
    return float(s)


@njit(cache=True, error_model="numpy")
def _worst(x: Array, low: Array, high: Array, along: Array, caps: Array) -> tuple[int, float]:
    """The limit that x (n,) misses most, and by how much; -1 where it keeps all.

    Numbers: the first of `along` (m, n) go with caps (m,), then the upper and the lower bounds.
    """
    n, m = x.shape[0], caps.shape[0]
    at, most = -1, FITS
    for r in range(m):
        s = -caps[r]
        for i in range(n):
            s += along[r, i] * x[i]
        if s > most:
            at, most = r, s
    for i in range(n):
        if x[i] - high[i] > most:
            at, most = m + i, x[i] - high[i]
        if low[i] - x[i] > most:
            at, most = m + n + i, low[i] - x[i]
    return at, most


@njit(cache=True, error_model="numpy")
def _normal(inverse: Array, along: Array, m: int, at: int, out: Array) -> None:
    """The normal (n,) of limit `at` in y, L^-1 a."""
    n = out.shape[0]
    for i in range(n):
        s = 0.0
        if at < m:
            for j in range(i + 1):
                s += inverse[i, j] * along[at, j]
        elif at < m + n:
            s = inverse[i, at - m]
        else:
            s = -inverse[i, at - m - n]
        out[i] = s


@njit(cache=True, error_model="numpy")
def _beside(normals: Array, k: int, normal: Array, shares: Array, rest: Array) -> float:
    """What is left of a normal (n,) beside the span of k others, into `rest`; its square.

    Into `shares` (n,) how much there is of each of them. NaN where they are dependent.
    """
    n, square, gram = normal.shape[0], 0.0, np.empty((k, k))
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


@njit(cache=True, error_model="numpy")
def _take(
    normals: Array, pulls: Array, taken: Marks, k: int, normal: Array, y: Array, at: int,
    missed: float,
) -> int:  # fmt: skip
    """Takes limit `at` in, missed by so much (m/s); moves y (n,). Returns how many there are now.

    Limits that no longer pull are let go. -1: it cannot be kept beside those that do.
    """
    n, pull, size = y.shape[0], 0.0, 0.0
    shares, rest = np.empty(n), np.empty(n)
    for i in range(n):
        size += normal[i] * normal[i]
    while True:
        left = _beside(normals, k, normal, shares, rest)
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
        normals[gone], pulls[gone], taken[gone] = normals[k], pulls[k], taken[k]
    normals[k], pulls[k], taken[k] = normal, pull, at
    return k + 1


@njit(cache=True, error_model="numpy")
def settle(
    asked: Array, inverse: Array, low: Array, high: Array, along: Array, caps: Array, out: Array
) -> bool:  # fmt: skip
    """Into `out` the x (n,) nearest to `asked` with low <= x <= high and along x <= caps, if found.

    `inverse` (n, n) is the `inverse_factor` of the measure, along (m, n), caps (m,). True only
    where x is proven to be it, but for FITS. All numbers must be finite.
    """
    n, m, k = asked.shape[0], caps.shape[0], 0
    normals, pulls, taken = np.empty((n, n)), np.empty(n), np.empty(n, np.int64)
    normal, y = np.empty(n), np.zeros(n)
    for _ in range(STEPS):
        _place(asked, inverse, y, out)
        at, missed = _worst(out, low, high, along, caps)
        if at < 0:
            break
        _normal(inverse, along, m, at, normal)
        k = _take(normals, pulls, taken, k, normal, y, at, missed)
        if k < 0:
            return False
    for i in range(n):
        y[i] = 0.0
        for c in range(k):
            y[i] -= max(0.0, pulls[c]) * normals[c, i]
    _place(asked, inverse, y, out)
    good = _worst(out, low, high, along, caps)[0] < 0
    for c in range(k):
        good = good and _beyond(out, low, high, along, caps, taken[c]) > -FITS
    for i in range(n):
        out[i] = min(max(out[i], low[i]), high[i])  # what FITS left
    return good
