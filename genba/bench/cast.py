"""Who plays a benchmark, and the hash of what each decides with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from genba.console import import_physics
from genba.scenarios import Scenario

Cast = tuple[tuple[str, str], ...]  # names or paths, and hashes


def cast(scenarios: Sequence[Scenario], asked: Sequence[str]) -> tuple[Cast, tuple[str, ...]]:
    """The agents that were asked for, each with its hash; or all that ship and can play.

    Also why others that ship cannot. Raises ScenarioError, and AgentError where an agent that was
    asked for cannot play: one line.
    """
    import_physics()  # first: PyBullet greets whoever imports it
    from genba.agents import AgentError, make, names
    from genba.envs import make as make_env

    hashes: dict[str, list[str]] = {name: [] for name in asked or names()}
    left_out: dict[str, str] = {}
    for scenario in scenarios:
        env = make_env(scenario)
        try:
            for name in [n for n in hashes if n not in left_out]:
                try:
                    hashes[name].append(make(name, env).fingerprint)
                except AgentError as error:
                    if asked:
                        raise
                    left_out[name] = f"{name} does not play {scenario.name}: {error}"
        finally:
            env.close()
    playing = {name: found for name, found in hashes.items() if name not in left_out}
    return tuple((name, _merge(found)) for name, found in playing.items()), (*left_out.values(),)


def _merge(hashes: list[str]) -> str:
    if len(set(hashes)) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]
