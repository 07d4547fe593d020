"""From when a policy does not know what it sees: calibrated on real episodes, not guessed.

`python -m genba.agents.calibrate DIR` plays the policy of a folder in the cell it was trained for,
with nobody around, on seeds that no training uses, and writes score and threshold on its card, as
is due after a change of the cell. The threshold is of the policy's strangeness (agents/policy.py).
Ticks of one episode are alike, so the greatest of each episode is what the split-conformal
threshold is taken of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genba.agents import exam
from genba.agents.card import Card, Doubt, load, save_card
from genba.agents.checkpoint import replace
from genba.agents.role import Agent, AgentError
from genba.agents.scripted import for_env
from genba.agents.trained import Trained
from genba.safety.conformal import ALPHA, conformal_threshold
from genba.scenarios import ScenarioError
from genba.scenarios import load as load_scenario


def calibrated(strangest: Sequence[float], alpha: float = ALPHA) -> Doubt | None:
    """What a card says, from the greatest strangeness of each episode; None of too few."""
    level = conformal_threshold(strangest, alpha)
    if not 0.0 < level < float("inf"):
        return None
    return Doubt(strangeness=round(level, 4), alpha=alpha, episodes=len(strangest))


def examined(
    hall: exam.Exam, agent: Agent, seeds: Sequence[int], goal: str, alpha: float = ALPHA
) -> tuple[dict[str, Any], Doubt | None]:
    """An agent's score, beside the scripted one's where it is to make parts, and its doubt."""
    ours = hall.play(agent, seeds)
    doubt = calibrated(hall.strangest, alpha)
    theirs: list[Any] = []
    if goal == "parts":
        try:
            theirs = hall.play(for_env(hall.env), seeds)
        except AgentError:  # no law for this cell: the score stands alone
            pass
    return exam.score(ours, theirs, hall.shown), doubt


def calibrate(
    folder: Path, episodes: int | None = None, seconds: float | None = None, alpha: float = ALPHA
) -> Card:
    """Plays and writes both cards of a folder anew; episodes as the policy's recipe scores it.

    Raises AgentError, ScenarioError, OSError.
    """
    from genba.agents.export import TEXT, scored, text
    from genba.agents.recipe import Recipe

    if not folder.is_dir():
        raise AgentError(f"{folder}: no folder that genba train wrote")
    card, policy = load(folder)
    recipe = Recipe.model_validate(card.recipe)
    count = recipe.scoring.episodes if episodes is None else episodes
    length = recipe.scoring.seconds if seconds is None else seconds
    if count < 1 or not 1.0 <= length <= 86400.0:
        raise AgentError(f"episodes {count}, seconds {length:g}: one of 1 s up to a day at least")
    hall = exam.Exam(load_scenario(card.scenario), length, recipe.goal)
    try:
        played = range(exam.SCORE, exam.SCORE + count)
        score, doubt = examined(hall, Trained(card, policy, hall.env), played, recipe.goal, alpha)
    finally:
        hall.close()
    scoring = {**card.recipe["scoring"], "episodes": count, "seconds": length}
    told = {**card.recipe, "scoring": scoring}
    used = card.seeds | scored(count)
    full = card.model_copy(update={"doubt": doubt, "score": score, "recipe": told, "seeds": used})
    save_card(folder, full)
    replace(folder / TEXT, text(full).encode())
    return full


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0, or 2 for bad input, of which one line is said."""
    parser = argparse.ArgumentParser(
        prog="python -m genba.agents.calibrate",
        description="Score a trained policy again and calibrate its doubt, on its own card.",
        epilog="example: python -m genba.agents.calibrate runs/kitting",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="what genba train wrote")
    parser.add_argument("--episodes", type=int, help="default: as the recipe scores")
    parser.add_argument("--seconds", type=float, help="an episode (default: as the recipe scores)")
    options = parser.parse_args(argv)
    try:
        card = calibrate(options.folder, options.episodes, options.seconds)
    except (AgentError, ScenarioError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    for name, (value, low, high) in card.score["figures"].items():
        print(f"{name}  {value}" + ("" if low is None else f" ({low} to {high})"))
    print("no doubt could be calibrated" if card.doubt is None else card.doubt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
