"""Hash of source: the code of folders, and the robots that it loads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

KINDS = ".py", ".urdf"  # what decides, and is part of no scenario and no agent


def source_hash(places: Iterable[Path]) -> str:
    """Sixteen digits of the SHA-256 of files, and of all source in folders, however deep."""
    digest = hashlib.sha256()
    for place in places:
        inside = (p for p in place.rglob("*") if p.suffix in KINDS)
        for file in [place] if place.is_file() else sorted(inside):
            digest.update(f"{file.relative_to(place.parent).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
