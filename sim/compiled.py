"""How the kernels are compiled that are called every tick.

Numba counts references to the arrays of a compiled function: for each array that it is given it
makes and drops a record, for each that it hands on it counts up and down. A kernel that neither
makes an array nor gives one back needs none of that. Without it a call with ten arrays takes 0.4 us
less, half of what the call itself costs. Numba refuses to compile one that makes an array all the
same, or calls a function that gives one back: such a kernel stays with `numba.njit`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit
from numba.core.options import DefaultOptions

# the option is numba's own word for it, meant for its extensions: a version without it counts
UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
kernel = partial(njit, cache=True, **UNCOUNTED)

# said by a kernel whose room to work in is too small: a slice past an end is only shorter there,
# and what is written to it lands beyond
ROOM = "the room to work in is not that of this robot or these people"
