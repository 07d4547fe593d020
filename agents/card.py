"""The card of a trained policy: what it reads, how it was made, how good it is, what it is not."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as tensor_bytes

from genba.agents.checkpoint import replace
from genba.agents.fingerprints import short
from genba.agents.policy import LEAST, Floats, Policy, Shape
from genba.agents.role import AgentError
from genba.scenarios.scenario import explain

WEIGHTS, CARD = "policy.safetensors", "card.json"
MAX_WEIGHTS, MAX_CARD = 32 * 1024 * 1024, 256 * 1024  # bytes
MAX_COMMAND = 2000  # characters
Word = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
Size = Annotated[int, Field(ge=1, le=512)]
# nothing a policy reads or does is finer than that; dividing by less overflows
Sane = Annotated[float, Field(ge=LEAST, le=100, allow_inf_nan=False)]
# the order of the observations counts too: it is that of the network's inputs
DECIDES: dict[str, Any] = {
    "sha256": True, "action": True, "actions": True, "speeds": True, "observations": True,
    "scales": True, "hidden": True, "output": True, "doubt": {"strangeness"},
}  # fmt: skip


class Doubt(BaseModel):
    """From when a policy does not know what it sees (agents/calibrate.py)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    strangeness: Annotated[float, Field(ge=LEAST, le=1e6)]  # conformal threshold
    alpha: Annotated[float, Field(gt=0, lt=1)]  # share of ordinary episodes that exceed it
    episodes: Annotated[int, Field(ge=1)]


class Card(BaseModel):
    """What must be known to use a policy, and what should be known before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    cell: Name
    scenario: Name
    robot: Name
    gripper: Name | None = None
    action: Literal["twist", "joint_velocity"]
    actions: Annotated[int, Field(ge=1, le=64)]
    speeds: tuple[Sane, Sane]  # twist: m/s and rad/s at action 1; else share of the joints' top
    observations: Annotated[dict[Name, Size], Field(min_length=1, max_length=64)]
    scales: Annotated[list[Sane], Field(min_length=1, max_length=6)]
    hidden: Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1, max_length=4)]
    output: Literal["clip", "tanh"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    stage: Word = ""
    command: Annotated[str, Field(max_length=MAX_COMMAND)] = ""
    steps: Annotated[int, Field(ge=0)] = 0
    seeds: dict[str, Any] = {}
    score: dict[str, Any] = {}
    doubt: Doubt | None = None
    candidates: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    recipe: dict[str, Any] = {}
    played: dict[str, Any] = {}  # the scenario of training and score, with every setting
    genba: Word = ""
    code: Word = ""
    use: Annotated[str, Field(max_length=4000)] = ""
    limits: Annotated[str, Field(max_length=4000)] = ""

    def shape(self) -> Shape:
        """The network that the card describes."""
        inputs = sum(self.observations.values())
        return Shape(inputs, tuple(self.scales), tuple(self.hidden), self.actions)

    def fingerprint(self) -> str:
        """Hash of the weights and of all that decides with them what is done."""
        return short(self.model_dump_json(include=DECIDES).encode())


def save_policy(folder: Path, policy: Policy) -> str:
    """Writes the weights; returns their SHA-256."""
    data = tensor_bytes({name: np.ascontiguousarray(t) for name, t in policy.tensors.items()})
    replace(folder / WEIGHTS, data)
    return hashlib.sha256(data).hexdigest()


def save_card(folder: Path, card: Card) -> None:
    """Writes the card as JSON."""
    text = json.dumps(card.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
    replace(folder / CARD, text.encode())


def load(path: Path) -> tuple[Card, Policy]:
    """Card and policy of a folder, or of a weights file beside its card.

    Only numbers and JSON are read, and the network is built from the card within fixed bounds.
    Raises AgentError, one line naming the file.
    """
    folder = path if path.is_dir() else path.parent
    weights = path / WEIGHTS if path.is_dir() else path
    try:
        os.lstat(folder / CARD)
    except FileNotFoundError:  # most often no agent at all: name what was typed, not the card
        where = "in" if path.is_dir() else "beside"
        raise AgentError(f"{path}: no trained agent (no {CARD} {where} it)") from None
    except (OSError, ValueError):  # which is told below
        pass
    card = _card(_bytes(folder / CARD, folder, MAX_CARD), folder / CARD)
    policy, digest = load_weights(weights, card)
    if digest != card.sha256:
        raise AgentError(f"{weights}: not the weights that {CARD} was written for (sha256)")
    return card, policy


def load_weights(path: Path, card: Card) -> tuple[Policy, str]:
    """The policy that a card describes, and the SHA-256 of its file. Raises AgentError."""
    data = _bytes(path, path.parent, MAX_WEIGHTS)
    try:
        wanted = card.shape().tensors()
        most = 4 * sum(prod(shape) for shape in wanted.values()) + 65536
        if len(data) > most:
            raise AgentError(f"{len(data)} bytes, more than the network of its card holds")
        tensors: dict[str, Floats] = read_tensors(data)
        policy = Policy(card.shape(), tensors, card.output == "tanh").check()
    except AgentError as error:
        raise AgentError(f"{path}: {error}") from None
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
        raise AgentError(f"{path}: not a safetensors file of numbers") from None
    return policy, hashlib.sha256(data).hexdigest()


def _card(data: bytes, path: Path) -> Card:
    try:
        return Card.model_validate(json.loads(data.decode()))
    except ValidationError as error:
        raise AgentError(f"{path}: {explain(error, Card)}") from None
    except (ValueError, RecursionError):
        raise AgentError(f"{path}: not JSON") from None


def _bytes(path: Path, folder: Path, most: int) -> bytes:
    """A plain file's bytes; it must lie in the folder, wherever links point."""
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise AgentError(f"{path}: leads out of its folder")
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise AgentError(f"{path}: not a file")
        if found.st_size > most:
            raise AgentError(f"{path}: larger than {most} bytes")
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, AgentError):
            raise
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise AgentError(f"{path}: {reason}") from None
