"""What a person sees of a training: a bar, curves in TensorBoard, held-out episodes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from genba.agents import exam
from genba.agents.card import Card
from genba.agents.policy import Policy
from genba.agents.recipe import Scoring
from genba.agents.trained import Trained

HINT = 'no curves: TensorBoard is not installed (pip install "genba[train]")'


class Progress:
    """The log of all stages of one training; `curve` is that of the stage under way."""

    def __init__(self, total: int, folder: Path, hall: exam.Exam, scoring: Scoring) -> None:
        self.hall, self.scoring, self.total = hall, scoring, total
        self.curve: list[dict[str, float]] = []
        self.before = self.done = 0
        self.card: Card | None = None
        self.writer = _writer(folder / "tensorboard")
        self.bar = tqdm(total=total, unit=" steps", unit_scale=True, dynamic_ncols=True)

    def begin(self, name: str, card: Card) -> None:
        """A stage begins, of policies with such a card."""
        self.before, self.curve, self.card = self.done, [], card
        self.bar.set_description(name)

    def advance(self, steps: int) -> None:
        """So many control steps more are done."""
        self.done += steps
        self.bar.update(min(self.done, self.total) - self.bar.n)

    def note(self, values: Mapping[str, float]) -> None:
        """Numbers of the learning, for the curves."""
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(name, value, self.done)

    def look(self, policy: Policy, steps: int) -> None:
        """Plays held-out episodes where `every` steps have passed since the last look."""
        at = self.before + steps
        last = int(self.curve[-1]["step"]) if self.curve else self.before
        if at // self.scoring.every <= last // self.scoring.every:
            return
        assert self.card is not None
        agent = Trained(self.card, policy, self.hall.env)
        tallies = self.hall.play(agent, range(exam.LOOKS, exam.LOOKS + self.scoring.look))
        found = exam.shown(tallies, self.hall.shown)
        self.curve.append({"step": float(at), **found})
        self.note({f"held-out/{name}": value for name, value in found.items()})
        told = [f"{name} {found[name]:.3g}" for name in self.hall.shown[:2] if name in found]
        self.bar.set_postfix_str(", ".join(told))

    def say(self, line: str) -> None:
        """A line above the bar."""
        self.bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leaves the bar as it is and the curves whole."""
        self.bar.close()
        if self.writer is not None:
            self.writer.close()


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print(HINT, file=sys.stderr)
        return None
    return SummaryWriter(str(folder))
