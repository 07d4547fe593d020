"""Hashes that say which code and which numbers decided."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from pathlib import Path

from genba.source import source_hash

ROOMS = ("agents", "envs", "safety", "scenarios", "sim")


def short(data: bytes) -> str:
    """Sixteen digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:16]


@lru_cache(maxsize=16)
def of_module(name: str) -> str:
    """Hash of a module's own source."""
    path = getattr(sys.modules[name], "__file__", None)
    return short(Path(path).read_bytes()) if path else short(name.encode())


@lru_cache(maxsize=1)
def of_code() -> str:
    """Hash of the code that a training depends on, whatever the version control says."""
    package = Path(__file__).resolve().parent.parent
    here = Path(__file__).parent.parent  # genba/ where the rooms are links or installed, else root
    root = here if (here / "sim").is_dir() else package
    return source_hash(root / room for room in ROOMS)
