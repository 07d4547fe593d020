"""What the teacher would do wherever learner, teacher and chance together lead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genba.agents.policy import Floats
from genba.agents.role import Agent

LOCKED = ("waiting", "serving", "stopped")  # states in which nobody heeds the action
SEGMENT = (10, 80)  # steps that one drives before the next takes over
MEMORY = 0.8  # of the noise from one step to the next: it pushes, rather than trembles
FIRST_SEED, TRAINING_SEEDS = 2_000, 10_000  # training plays these and no others; suites lie below


@dataclass(frozen=True, slots=True)
class Roll:
    """How the data of a round is driven."""

    steps: int
    teacher: float  # share of the segments that the teacher drives
    noise: float  # greatest standard deviation added to the motion
    grip_slips: float  # chance a step that the grip is turned round


Drive = Callable[[Floats], Floats]


def training_seed(seed: int, episode: int) -> int:
    """The seed of an episode of a training, another one each time, never one of a suite's."""
    start = int(np.random.default_rng([seed, 77]).integers(TRAINING_SEEDS))
    return FIRST_SEED + (start - FIRST_SEED + episode) % (TRAINING_SEEDS - FIRST_SEED)


def collect(
    env: Any,
    drivers: tuple[Agent, Drive | None],
    reads: Sequence[int],
    roll: Roll,
    seed_of: Callable[[int], int],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Observations (n, k) and the teacher's answers (n, a) of `roll.steps` steps.

    `seed_of` tells each episode's seed; every episode is played to its end or to that of the
    steps. Steps in which the cell heeds no action are left out.
    """
    teacher, learner = drivers
    places = np.array(reads)
    seen, answers = [], []
    left, episode = roll.steps, 0
    while left > 0:
        observation, info = env.reset(seed=seed_of(episode))
        teacher.reset(observation, info)
        driver = _Driver(roll, rng, learner, env.action_space.shape[0])
        over = False
        while not over and left > 0:
            answer = teacher.act(observation)
            if info["state"] not in LOCKED:
                seen.append(observation[places])
                answers.append(answer)
            observation, _, ended, cut, info = env.step(driver.action(observation, answer))
            over, left = ended or cut, left - 1
        episode += 1
    size = env.action_space.shape[0]
    return (
        np.array(seen, dtype=np.float32).reshape(-1, len(reads)),
        np.array(answers, dtype=np.float32).reshape(-1, size),
    )


class _Driver:
    """Teacher and learner in turns, each pushed about by noise in some of its turns."""

    def __init__(
        self, roll: Roll, rng: np.random.Generator, learner: Drive | None, size: int
    ) -> None:
        self.roll, self.rng, self.learner = roll, rng, learner
        self.left, self.push = 0, np.zeros(size - 1)

    def action(self, observation: Floats, answer: Floats) -> Floats:
        """What is done, (a,)."""
        rng = self.rng
        if self.left <= 0:
            self.left = int(rng.integers(*SEGMENT))
            self.taught = self.learner is None or rng.random() < self.roll.teacher
            self.spread = self.roll.noise * rng.random() if rng.random() < 0.5 else 0.0
        self.left -= 1
        done = answer.copy() if self.taught or self.learner is None else self.learner(observation)
        fresh = rng.normal(size=self.push.size) * self.spread
        self.push = MEMORY * self.push + np.sqrt(1 - MEMORY**2) * fresh
        done[:-1] += self.push.astype(np.float32)
        if rng.random() < self.roll.grip_slips:
            done[-1] = -done[-1]
        return np.clip(done, -1.0, 1.0)
