"""Fresh arrays in great numbers: cut from one allocation, each costs a tenth of one made alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from math import prod

import numpy as np

from genba.sim.state import Array

_SETS = 64  # cut at a time


def blocks(*shapes: tuple[int, ...]) -> Iterator[tuple[Array, ...]]:
    """Sets of arrays of these shapes without end: one row that holds a whole set, then its parts.

    A kernel is given the row alone, since every array that it takes costs time. Nothing is filled
    in. No set shares memory with another, so what is kept of one stays as it is.
    """
    return chain.from_iterable(_cut(shapes))


def _cut(shapes: Sequence[tuple[int, ...]]) -> Iterator[Iterable[tuple[Array, ...]]]:
    sizes = [prod(shape) for shape in shapes]
    ends = np.cumsum([0, *sizes]).tolist()
    while True:
        rows = np.empty((_SETS, ends[-1]))
        parts = [
            rows[:, start:end].reshape(_SETS, *shape)
            for start, end, shape in zip(ends[:-1], ends[1:], shapes, strict=True)
        ]
        yield zip(rows, *parts, strict=True)
