"""The folder of a training: whose it is, and which stages are done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genba.agents.checkpoint import replace
from genba.agents.role import AgentError
from genba.lock import locked

LEDGER = "training.json"
Ledger = dict[str, Any]  # identity: mapping; stages: rows of stage, steps, curve and maybe choice


@contextmanager
def opened(folder: Path, identity: Ledger, resume: bool) -> Iterator[Ledger]:
    """The ledger of a folder that nobody else may write to meanwhile. Raises AgentError."""
    open_ledger(folder, identity, resume)  # what is refused leaves no lock behind
    check_folder(folder)
    with locked(folder, AgentError(f"{folder}: another genba train is writing there")):
        yield open_ledger(folder, identity, resume)  # it may have been another's until now


def open_ledger(folder: Path, identity: Ledger, resume: bool) -> Ledger:
    """The ledger of the folder, new or of the training to resume. Raises AgentError, one line.

    A new one is not written yet: a training that is then refused leaves the folder free.
    """
    path = folder / LEDGER
    if not path.is_file():
        if resume:
            raise AgentError(f"{folder}: no training to resume")
        check_folder(folder)
        if any(not p.name.startswith(".") for p in folder.iterdir()):
            raise AgentError(f"{folder}: holds other files; name another folder with --out")
        return {"identity": identity, "stages": []}
    if not resume:
        raise AgentError(f"{folder}: holds a training; --resume goes on, or name another --out")
    try:
        ledger = json.loads(path.read_text(encoding="utf-8"))
        differs = [name for name in identity if ledger["identity"][name] != identity[name]]
        for row in ledger["stages"]:
            row["stage"], row["steps"], list(row["curve"])
    except (OSError, ValueError, KeyError, TypeError):
        raise AgentError(f"{path}: not written by genba train") from None
    if differs:
        raise AgentError(f"{folder}: holds a training with another {differs[0]}")
    return {"identity": identity, "stages": ledger["stages"]}


def check_folder(folder: Path) -> None:
    """Makes the folder. Raises AgentError, one line, where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise AgentError(f"{folder}: cannot be written ({error.strerror})") from None


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Writes it in one move. Raises OSError."""
    text = json.dumps(ledger, indent=1, allow_nan=False) + "\n"
    replace(folder / LEDGER, text.encode())
