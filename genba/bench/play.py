"""Plays an episode, and keeps what a report needs of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from genba.bench.results import Row, event_row, plain

AROUND = 5.0  # s before and after the worst moment that are kept


class AgentFailed(RuntimeError):
    """An agent raised while it was playing; the message says when and what."""


def play(env: Any, agent: Any, seed: int | None, watch: Callable[[Any, Any], None] | None) -> None:
    """One episode from reset to its end; `watch(env, info)` is called after every step.

    Raises AgentFailed where the agent's own code raises.
    """
    observation, info = env.reset(seed=seed)
    over = False
    try:
        agent.reset(observation, info)
        while not over:
            action = agent.act(observation)
            observation, _, terminated, truncated, info = _ours(env.step, action)
            over = terminated or truncated
            if watch is not None:
                _ours(watch, env, info)
    except _NotTheAgent as error:
        raise error.cause from None
    except Exception as error:
        when = float(info.get("time", 0.0))
        raise AgentFailed(f"the agent failed at {when:.2f} s: {one_line(error)}") from error


class _NotTheAgent(Exception):
    """Carries what the environment (or the watcher) raised past the agent's own try."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


def _ours(call: Callable[..., Any], *given: Any) -> Any:
    try:
        return call(*given)
    except Exception as error:
        raise _NotTheAgent(error) from error


def one_line(error: BaseException) -> str:
    """Kind and message of an error, on one line of sensible length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300]


def details(env: Any) -> Row:
    """Of the episode just played: its events, and the trace around its worst moment."""
    cell = env.unwrapped
    return {
        "events": [event_row(e) for e in cell.events],
        "worst": _worst(cell.worst, np.asarray(cell.trace, float).reshape(-1, 5)),
    }


def _worst(worst: Any, trace: Any) -> Row | None:
    """Time, margin, separation and the rows (s, m, m, m/s, scale) near it; None if nobody came."""
    if worst is None or not math.isfinite(float(worst["margin"])):
        return None
    near = trace[np.abs(trace[:, 0] - float(worst["time"])) <= AROUND]
    kept: Row = {k: plain(float(worst[k])) for k in ("time", "margin", "separation")}
    kept["trace"] = plain(np.round(near, 4))
    return kept
