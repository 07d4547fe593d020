"""From when a policy does not know what it sees: calibrated on real episodes, not guessed.

`python -m genba.agents.calibrate DIR` plays the policy of a folder in the scenario it was trained
in, which its card keeps, on seeds that no training uses, and writes score and threshold on its
card, as is due after a change of the cell's code. The threshold is of the policy's strangeness
(agents/policy.py). Ticks of one episode are alike, so the greatest of each episode is what the
split-conformal threshold is taken of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genba.agents import exam
from genba.agents.card import CARD, Card, Doubt, load, save_card
from genba.agents.checkpoint import replace
from genba.agents.role import Agent, AgentError
from genba.agents.scripted import for_env
from genba.agents.trained import Trained, speeds
from genba.safety.conformal import ALPHA, conformal_threshold
from genba.scenarios import Scenario, ScenarioError
from genba.scenarios import load as load_scenario
from genba.scenarios.scenario import from_settings


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
    folder: Path,
    episodes: int | None = None,
    seconds: float | None = None,
    alpha: float = ALPHA,
    given: Scenario | None = None,
) -> Card:
    """Plays and writes both cards of a folder anew; episodes as the policy's recipe scores it.

    `given` is for cards that do not keep their scenario. Raises AgentError, ScenarioError, OSError.
    """
    from genba.agents.export import TEXT, scored, settings, text
    from genba.agents.recipe import Recipe

    if not folder.is_dir():
        raise AgentError(f"{folder}: no folder that genba train wrote")
    card, policy = load(folder)
    recipe = Recipe.model_validate(card.recipe)
    count = recipe.scoring.episodes if episodes is None else episodes
    length = recipe.scoring.seconds if seconds is None else seconds
    if count < 1 or not 1.0 <= length <= 86400.0:
        raise AgentError(f"episodes {count}, seconds {length:g}: one of 1 s up to a day at least")
    scenario = _scenario(folder, card, given)
    hall = exam.Exam(scenario, length, recipe.goal)
    try:
        played = range(exam.SCORE, exam.SCORE + count)
        score, doubt = examined(hall, Trained(card, policy, hall.env), played, recipe.goal, alpha)
    finally:
        hall.close()
    scoring = {**card.recipe["scoring"], "episodes": count, "seconds": length}
    told = {**card.recipe, "scoring": scoring}
    used = card.seeds | scored(count)
    changes = {"doubt": doubt, "score": score, "recipe": told, "seeds": used}
    full = card.model_copy(update=changes | {"played": settings(scenario)})
    save_card(folder, full)
    replace(folder / TEXT, text(full).encode())
    return full


def _scenario(folder: Path, card: Card, given: Scenario | None) -> Scenario:
    """What the policy was trained in. Raises AgentError where that is not to be known."""
    how = "give the scenario of its training with --scenario and --set, as in the card's command"
    if given is None and card.played:
        return from_settings(card.played, f"{folder / CARD}: played")
    if given is None:
        words = card.command.split()
        if "--set" in words or card.scenario not in words:
            raise AgentError(f"{folder}: its card does not keep the scenario; {how}")
        given = load_scenario(card.scenario)
    there = (card.scenario, card.robot, card.gripper, card.action, card.speeds)
    here = (given.name, given.robot, given.gripper, given.action, speeds(given))
    for was, now in zip(there, here, strict=True):
        if was != now:
            raise AgentError(f"{folder}: trained with {was}, not {now}; {how}")
    return given


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
    parser.add_argument("--scenario", metavar="NAME", help="where the card does not keep it")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change the scenario named with --scenario, as the training did",
    )  # fmt: skip
    options = parser.parse_args(argv)
    try:
        if options.overrides and options.scenario is None:
            raise AgentError("--set: changes the scenario that --scenario names")
        named = options.scenario
        given = None if named is None else load_scenario(named, options.overrides)
        card = calibrate(options.folder, options.episodes, options.seconds, given=given)
    except (AgentError, ScenarioError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    for name, (value, low, high) in card.score["figures"].items():
        print(f"{name}  {value}" + ("" if low is None else f" ({low} to {high})"))
    print("no doubt could be calibrated" if card.doubt is None else card.doubt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
