"""From when a policy does not know what it sees: calibrated on real episodes, not guessed.

`python -m genba.agents.calibrate DIR` plays the policy of a folder in the cell it was trained for,
with nobody around, on seeds that no training uses, and writes the threshold on its card. The score
is the policy's strangeness (agents/policy.py). Ticks of one episode are alike, so the greatest of
each episode is what the split-conformal threshold is taken of.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from genba.agents import exam
from genba.agents.card import Doubt, load, save_card
from genba.agents.checkpoint import replace
from genba.agents.trained import Trained
from genba.safety.conformal import ALPHA, conformal_threshold
from genba.scenarios import load as load_scenario


def calibrated(strangest: Sequence[float], alpha: float = ALPHA) -> Doubt | None:
    """What a card says, from the greatest strangeness of each episode; None of too few."""
    level = conformal_threshold(strangest, alpha)
    if not 0.0 < level < float("inf"):
        return None
    return Doubt(strangeness=round(level, 4), alpha=alpha, episodes=len(strangest))


def calibrate(folder: Path, episodes: int, seconds: float, alpha: float = ALPHA) -> Doubt | None:
    """Plays and writes both cards of a folder anew. Raises AgentError, ScenarioError, OSError."""
    from genba.agents.export import TEXT, text

    card, policy = load(folder)
    hall = exam.Exam(load_scenario(card.scenario), seconds)
    try:
        seeds = range(exam.SCORE, exam.SCORE + episodes)
        hall.play(Trained(card, policy, hall.env), seeds)
    finally:
        hall.close()
    full = card.model_copy(update={"doubt": calibrated(hall.strangest, alpha)})
    save_card(folder, full)
    replace(folder / TEXT, text(full).encode())
    return full.doubt


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m genba.agents.calibrate")
    parser.add_argument("folder", type=Path, metavar="DIR", help="what genba train wrote")
    parser.add_argument("--episodes", type=int, default=40, help="default 40")
    parser.add_argument("--seconds", type=float, default=60.0, help="an episode (default 60)")
    options = parser.parse_args()
    print(calibrate(options.folder, options.episodes, options.seconds))


if __name__ == "__main__":
    main()
