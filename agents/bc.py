"""Behaviour cloning: the learner drives, the teacher says what it would have done (DAgger).

After Ross, Gordon and Bagnell (2011). A round is: drive for some steps, then fit all that was seen
so far. A round is drawn from the seed and its number alone, so a training that was interrupted goes
on from its last whole round to the same numbers.
"""

from __future__ import annotations

from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import nn

from genba.agents import checkpoint
from genba.agents.demonstrations import Roll, collect, training_seed
from genba.agents.job import Job
from genba.agents.network import (
    Tensors,
    adam_state,
    build,
    linears,
    policy_of,
    read,
    restore_adam,
    write,
)
from genba.agents.policy import Floats, Policy, features
from genba.agents.trained import places

EPISODES = 100  # seeds that are set apart for a round
NARROW = 0.05  # of an action's range: errors beyond count by their size, smaller ones less
LEAST_SPREAD = 1e-3  # of an input that hardly ever changes


def run(job: Job) -> Policy:
    """Trains to the last round and returns the policy; writes `job.checkpoint` after every one."""
    learner = _Learner(job)
    learner.resume()
    while learner.round < job.stage.rounds:
        learner.gather()
        learner.fit()
        learner.round += 1
        job.log.look(learner.policy(), _steps(job, learner.round))
        learner.save()
    return learner.policy()


def _steps(job: Job, rounds: int) -> int:
    return int(round(job.stage.steps * rounds / job.stage.rounds))


class _Learner:
    def __init__(self, job: Job) -> None:
        self.job, self.round = job, 0
        self.net = build(job.shape, job.seed)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=job.stage.rate)
        self.scaling: Tensors = {}
        self.seen: list[Floats] = []
        self.answers: list[Floats] = []
        self.weights: list[Floats] = []
        self.grip = _grip_asked(job)
        if job.start is not None:
            write(linears(self.net), dict(job.start.tensors))
            self.scaling = {name: job.start.tensors[name] for name in ("mean", "std")}

    def policy(self) -> Policy:
        return policy_of(self.job.shape, linears(self.net), self.scaling)

    def gather(self) -> None:
        """Drives this round's steps and keeps them."""
        job, number = self.job, self.round
        first = number == 0 and job.start is None
        learner = None if first else self.policy().brain(job.reads)
        steps = _steps(job, number + 1) - _steps(job, number)
        share = 1.0 if first else job.stage.teacher
        roll = Roll(steps, share, job.stage.noise, job.stage.grip_slips)
        rng = np.random.default_rng([job.seed, number, 1])

        def seed_of(episode: int) -> int:
            return training_seed(job.seed, number * EPISODES + episode)

        seen, answers = collect(job.env, (job.teacher, learner), job.reads, roll, seed_of, rng)
        checkpoint.store(self._file(number), {"seen": seen, "answers": answers}, {})
        self._keep(seen, answers)
        job.log.advance(steps)

    def _keep(self, seen: Floats, answers: Floats) -> None:
        wide = features(seen, self.job.recipe.scales)
        if not self.scaling:
            spread = np.maximum(wide.std(axis=0), LEAST_SPREAD)
            self.scaling = {"mean": wide.mean(axis=0), "std": spread.astype(np.float32)}
        self.seen.append((wide - self.scaling["mean"]) / self.scaling["std"])
        self.answers.append(answers)
        turned = np.zeros(len(answers), dtype=np.float32)
        if self.grip is not None:  # when to turn the grip is decided in few steps, and matters most
            turned = np.abs(seen[:, self.grip] - answers[:, -1]) > 0.2
        self.weights.append((1.0 + (self.job.stage.decisions - 1.0) * turned).astype(np.float32))

    def fit(self) -> None:
        """This round's updates on everything seen so far."""
        job, stage = self.job, self.job.stage
        x = torch.from_numpy(np.concatenate(self.seen))
        y = torch.from_numpy(np.concatenate(self.answers))
        weight = torch.from_numpy(np.concatenate(self.weights))
        rng = np.random.default_rng([job.seed, self.round, 2])
        before = self.round * stage.updates
        last = self.round == stage.rounds - 1
        for update in range(before, before + stage.updates + (stage.final if last else 0)):
            self._turn_down(update / (stage.rounds * stage.updates + stage.final))
            rows = torch.from_numpy(rng.integers(len(x), size=stage.batch))
            loss = _loss(self.net(x[rows]), y[rows], weight[rows])
            self.optimiser.zero_grad()
            # torch gives `backward` no types
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimiser.step()
        job.log.note({"bc/loss": float(loss.detach()), "bc/samples": float(len(x))})

    def _turn_down(self, done: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.job.stage.rate * (0.01 + 0.99 * 0.5 * (1.0 + cos(pi * done)))

    def save(self) -> None:
        tensors = {**self.scaling, **read(linears(self.net)), **adam_state(self.optimiser)}
        state = {"round": self.round, "curve": self.job.log.curve}
        checkpoint.store(self.job.checkpoint, tensors, state)

    def resume(self) -> None:
        """Back to the last whole round, if there is one."""
        if not self.job.checkpoint.is_file():
            return
        tensors, state = checkpoint.fetch(self.job.checkpoint)
        with checkpoint.restoring(self.job.checkpoint):
            numbers = {k: v for k, v in tensors.items() if not k.startswith("adam.")}
            Policy(self.job.shape, numbers).check()
            self.scaling = {name: tensors[name] for name in ("mean", "std")}
            write(linears(self.net), tensors)
            restore_adam(self.optimiser, tensors)
            self.job.log.curve[:] = checkpoint.curve(state)
            self.round = checkpoint.count(state, "round")
            if self.round > self.job.stage.rounds:
                raise ValueError("round")
        for number in range(self.round):
            data, _ = checkpoint.fetch(self._file(number))
            with checkpoint.restoring(self._file(number)):
                self._recall(data["seen"], data["answers"])
        self.job.log.advance(_steps(self.job, self.round))

    def _recall(self, seen: Floats, answers: Floats) -> None:
        wanted = (len(seen), len(self.job.reads)), (len(seen), self.job.shape.actions)
        if (seen.shape, answers.shape) != wanted:
            raise ValueError("shape")
        self._keep(seen, answers)

    def _file(self, number: int) -> Path:
        return self.job.folder / f"round-{number:03d}.safetensors"


def _grip_asked(job: Job) -> int | None:
    """Which number that is read is the grip asked last, if it is read at all."""
    fields = job.env.unwrapped.fields
    if "grip_asked" not in fields:
        return None
    place = list(places({"grip_asked": 1}, fields))[0]
    return job.reads.index(place) if place in job.reads else None


def _loss(out: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Of actions: beyond -1 and 1 they are cut off, so there is nothing to mend beyond."""
    over = torch.where(wanted >= 1.0, torch.minimum(out, wanted), out)
    kept = torch.where(wanted <= -1.0, torch.maximum(over, wanted), over)
    each = nn.functional.smooth_l1_loss(kept, wanted, beta=NARROW, reduction="none").mean(dim=1)
    return (each * weight).sum() / weight.sum()
