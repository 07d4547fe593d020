"""Who decides: observation in, action out. A new agent is one file and one line in AGENTS."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genba.agents import idle, scripted, trained, uniform
from genba.agents.adversaries import ADVERSARIES
from genba.agents.role import Agent, AgentError
from genba.scenarios.scenario import did_you_mean

__all__ = ["ADVERSARIES", "AGENTS", "Agent", "AgentError", "make", "names"]

AGENTS: dict[str, Callable[[Any], Agent]] = {
    "idle": idle.Idle,
    "random": uniform.Uniform,
    "scripted": scripted.for_env,
    "trained": trained.shipped,
}


def names() -> list[str]:
    """The agents that ship to do the work, in the order of the catalogue; not the adversaries."""
    return list(AGENTS)


def make(name: str | Path, env: Any) -> Agent:
    """An agent for an environment (wrapped or not), by name or by the path of a trained one.

    A path is a folder with policy.safetensors and card.json, or such a file beside its card.
    Raises AgentError, one line.
    """
    text = str(name)
    known = {**ADVERSARIES, **AGENTS}
    if text in known:
        return _made(text, known[text], env)
    path = Path(text)
    if text and "\0" not in text and len(text) < 4096 and (path.is_dir() or path.is_file()):
        if path.is_file() and path.suffix != ".safetensors":
            raise AgentError(f"{text}: not a trained agent (a folder, or a .safetensors file)")
        return trained.from_path(path, env)
    if "/" in text or path.suffix:
        raise AgentError(f"{text[:200]}: no such agent file or folder")
    raise AgentError(f"unknown agent {text[:200]!r}{did_you_mean(text, list(known))}")


def _made(name: str, factory: Callable[[Any], Agent], env: Any) -> Agent:
    """What a factory of the catalogue makes, refused in one line if it is no agent."""
    try:
        inspect.signature(factory).bind(env)
    except TypeError as error:
        raise AgentError(f"agent {name}: cannot be called with an environment ({error})") from None
    agent = factory(env)
    lacks = [part for part in ("fingerprint", "reset", "act") if not hasattr(agent, part)]
    if lacks:
        raise AgentError(f"agent {name}: {type(agent).__name__} has no {' and no '.join(lacks)}")
    return agent
