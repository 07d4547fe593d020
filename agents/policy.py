"""A trained policy as plain numbers: a small network that is read, checked and run without PyTorch.

Inputs are seen at several scales, x / (scale + |x|), so that metres and millimetres both count:
a gap of 3 mm is as plain to the network as one of 3 dm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.agents.role import AgentError

Floats = NDArray[np.float32]
MAX_INPUTS, MAX_WIDTH, MAX_LAYERS, MAX_SCALES = 512, 1024, 4, 6
HUGE = 1e6  # no sane weight is larger
LEAST = 1e-6  # no sane scale or spread is smaller


@dataclass(frozen=True, slots=True)
class Shape:
    """The network that is built: everything that the sizes of its tensors follow from."""

    inputs: int
    scales: tuple[float, ...]
    hidden: tuple[int, ...]
    actions: int

    @property
    def features(self) -> int:
        """Numbers that enter the first layer."""
        return self.inputs * len(self.scales)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from the first layer's inputs to the action."""
        return (self.features, *self.hidden, self.actions)

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor, in order. Raises AgentError outside the bounds."""
        bounds = (
            1 <= self.inputs <= MAX_INPUTS
            and 1 <= len(self.scales) <= MAX_SCALES
            and 1 <= len(self.hidden) <= MAX_LAYERS
            and all(1 <= width <= MAX_WIDTH for width in (*self.hidden, self.actions))
        )
        if not bounds:
            raise AgentError(f"no network of this kind is larger than {MAX_LAYERS} x {MAX_WIDTH}")
        found: dict[str, tuple[int, ...]] = {"mean": (self.features,), "std": (self.features,)}
        for i, (wide, out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            found[f"layer{i}.weight"], found[f"layer{i}.bias"] = (wide, out), (out,)
        return found


@dataclass(frozen=True, slots=True)
class Policy:
    """A network with its numbers. `tensors` are those of `shape.tensors()`, float32."""

    shape: Shape
    tensors: Mapping[str, Floats]
    tanh: bool = False  # of the output, rather than cutting it off at -1 and 1

    def check(self) -> Policy:
        """Itself, if every tensor is there, of the right shape and finite. Raises AgentError."""
        wanted = self.shape.tensors()
        if set(self.tensors) != set(wanted):
            odd = sorted(set(self.tensors) ^ set(wanted))[0]
            raise AgentError(f"tensor {odd[:60]!r} is missing or not known")
        for name, shape in wanted.items():
            tensor = self.tensors[name]
            if tensor.dtype != np.float32 or tensor.shape != shape:
                raise AgentError(f"tensor {name}: {tensor.dtype} {tensor.shape}, not {shape}")
            if not np.all(np.abs(tensor) <= HUGE):  # false for NaN too
                raise AgentError(f"tensor {name}: holds numbers that are not finite or too large")
        if not np.all(self.tensors["std"] >= np.float32(LEAST)):
            raise AgentError(f"tensor std: must be {LEAST:g} or more")
        return self

    def brain(self, reads: Sequence[int]) -> Brain:
        """Made ready to act on the numbers at the places `reads` of an observation."""
        return Brain(self, reads)


class Brain:
    """A policy laid out for speed; the same bits on every machine and with any threads.

    `strangeness` is how far the latest observation lies from those the policy learnt from: the
    root mean square of its normalised features. Ordinary ones have about 1.
    """

    def __init__(self, policy: Policy, reads: Sequence[int]) -> None:
        t = policy.tensors
        layers = len(policy.shape.sizes) - 1
        parts = [
            t[f"layer{i}.{kind}"].ravel() for i in range(layers) for kind in ("weight", "bias")
        ]
        self.flat = np.concatenate(parts)
        self.sizes = np.array(policy.shape.sizes)
        self.reads = np.array(reads, dtype=np.int64)
        self.scales = np.array(policy.shape.scales, dtype=np.float32)
        self.mean, self.gain = t["mean"], (np.float32(1.0) / t["std"]).astype(np.float32)
        self.tanh = policy.tanh
        self.strangeness = 0.0

    def __call__(self, observation: Floats) -> Floats:
        """(k,) action in [-1, 1] of an observation."""
        seen = _features(observation, self.reads, self.scales)
        normal = (seen - self.mean) * self.gain
        self.strangeness = _rms(normal)
        out: Floats = _forward(normal, self.flat, self.sizes)
        least, most = np.float32(-1.0), np.float32(1.0)
        out = np.tanh(out) if self.tanh else np.minimum(most, np.maximum(least, out))
        return out


@njit(cache=True)
def _rms(x: Floats) -> float:
    """In double precision, added up in order: the same bits everywhere."""
    total = 0.0
    for value in x:
        total += float(value) * float(value)
    return float(np.sqrt(total / x.shape[0]))


def features(observations: Floats, scales: Sequence[float]) -> Floats:
    """(n, k * scales) of observations (n, k): the arithmetic of the kernel for many at once."""
    wide = np.array(scales, dtype=np.float32)
    return np.concatenate([observations / (s + np.abs(observations)) for s in wide], axis=1)


@njit(cache=True)
def _features(observation: Floats, reads: NDArray[np.int64], scales: Floats) -> Floats:
    n = reads.shape[0]
    out = np.empty(n * scales.shape[0], dtype=np.float32)
    for k in range(scales.shape[0]):
        for i in range(n):
            x = observation[reads[i]]
            out[k * n + i] = x / (scales[k] + abs(x))
    return out


# No product of a library: those add up in an order that depends on machine and threads.
@njit(cache=True)
def _forward(x: Floats, flat: Floats, sizes: NDArray[np.int64]) -> Floats:
    at = 0
    for layer in range(sizes.shape[0] - 1):
        wide, out = sizes[layer], sizes[layer + 1]
        y = flat[at + wide * out : at + wide * out + out].copy()
        for i in range(wide):
            if x[i] != 0.0:
                row = flat[at + i * out : at + i * out + out]
                for j in range(out):
                    y[j] += x[i] * row[j]
        if layer < sizes.shape[0] - 2:
            for j in range(out):
                y[j] = max(y[j], np.float32(0.0))
        x = y
        at += wide * out + out
    return x
