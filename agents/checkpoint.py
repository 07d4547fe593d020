"""Where a training stands: one file of named numbers and a line of JSON, nothing that could run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from genba.agents.policy import Floats
from genba.agents.role import AgentError

Tensors = dict[str, Floats]
UNFIT = "not a training that can be resumed"


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Whatever names, shapes or states of a file do not fit is one line, an AgentError."""
    try:
        yield
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RuntimeError,
        OverflowError,
    ):
        raise AgentError(f"{path}: {UNFIT}") from None


def count(state: dict[str, Any], name: str) -> int:
    """A whole number of a state. Raises KeyError, ValueError."""
    value = state[name]
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(name)
    return value


def curve(state: dict[str, Any]) -> list[dict[str, float]]:
    """The curve of a state. Raises KeyError, ValueError, TypeError, AttributeError."""
    rows = [{str(k): float(v) for k, v in row.items()} for row in state["curve"]]
    if any("step" not in row for row in rows):
        raise ValueError("curve")
    return rows


def store(path: Path, tensors: Tensors, state: dict[str, Any]) -> None:
    """Write all or nothing: whatever ends the process, the old file or the new one is there."""
    data = save(
        {
            name: np.ascontiguousarray(value).reshape(np.shape(value))
            for name, value in tensors.items()
        },
        {"state": json.dumps(state, allow_nan=False)},
    )
    replace(path, data)


def replace(path: Path, data: bytes) -> None:
    """Put bytes into a file in one move. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        fresh.write_bytes(data)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def fetch(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """What `store` wrote. Raises AgentError, one line, for any other file."""
    try:
        with safe_open(path, framework="numpy") as file:
            state = json.loads((file.metadata() or {})["state"])
            # the open file is no mapping: it has keys() and cannot be iterated
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        raise AgentError(f"{path}: {UNFIT}") from None
    return tensors, state
