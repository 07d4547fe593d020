"""Where a training stands: one file of named numbers and a line of JSON, nothing that could run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from genba.agents.policy import Floats
from genba.agents.role import AgentError

Tensors = dict[str, Floats]


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
    fresh.write_bytes(data)
    os.replace(fresh, path)


def fetch(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """What `store` wrote. Raises AgentError, one line, for any other file."""
    try:
        with safe_open(path, framework="numpy") as file:
            state = json.loads((file.metadata() or {})["state"])
            # the open file is no mapping: it has keys() and cannot be iterated
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        raise AgentError(f"{path}: not a training that can be resumed") from None
    return tensors, state
