"""Reinforcement learning on the cell itself by Stable-Baselines3, anew or from a policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from torch import nn

from genba.agents import checkpoint
from genba.agents.demonstrations import training_seed
from genba.agents.job import Job
from genba.agents.network import Tensors, adam_state, linears, policy_of, restore_adam, write
from genba.agents.policy import Floats, Policy, features

Before = Callable[[int], None]
SAC_SAVES = 5000  # steps between checkpoints; PPO has one before every roll-out


class Lesson(gym.Wrapper[Floats, Floats, Floats, Floats]):
    """The cell as the network sees it; every episode has the next training seed."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.env)
        self.job, self.episode = job, 0
        self.places = np.array(job.reads)
        self.scaling = _scaling(job)
        self.mean, self.gain = self.scaling["mean"], 1.0 / self.scaling["std"]
        size = job.shape.features
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def reset(self, **_: Any) -> tuple[Floats, dict[str, Any]]:
        """Whatever seed is asked for, training has its own."""
        seed = training_seed(self.job.seed, self.episode)
        self.episode += 1
        observation, info = self.env.reset(seed=seed)
        return self._seen(observation), info

    def step(self, action: Floats) -> Any:
        observation, *rest = self.env.step(action)
        return self._seen(observation), *rest

    def _seen(self, observation: Floats) -> Floats:
        wide = features(observation[None, self.places], self.job.shape.scales)[0]
        seen: Floats = ((wide - self.mean) * self.gain).astype(np.float32)
        return seen


def run_ppo(job: Job) -> Policy:
    """Trains with PPO and returns the policy of the last update."""
    stage, lesson = job.stage, Lesson(job)
    rollout, batch = stage.roll
    model = PPO(
        "MlpPolicy",
        lesson,
        learning_rate=stage.rate,
        n_steps=rollout,
        batch_size=batch,
        n_epochs=stage.epochs,
        gamma=stage.gamma,
        gae_lambda=stage.gae_lambda,
        clip_range=stage.clip,
        ent_coef=stage.entropy,
        target_kl=stage.target_kl,
        policy_kwargs={**_kwargs(job, "vf"), "log_std_init": stage.log_std},
        seed=job.seed,
        device="cpu",
    )
    net = model.policy
    actor = [*linears(net.mlp_extractor.policy_net), *linears(net.action_net)]
    if job.start is not None:
        write(actor, dict(job.start.tensors))
    frozen = [p for layer in actor for p in layer.parameters()] + [net.log_std]

    def before(steps: int) -> None:
        for parameter in frozen:
            parameter.requires_grad_(steps >= stage.critic_first)

    return _learn(job, model, _Keeper(job, model, lesson, actor, before))


def run_sac(job: Job) -> Policy:
    """Trains with SAC from scratch and returns the policy of the last update."""
    stage, lesson = job.stage, Lesson(job)
    model = SAC(
        "MlpPolicy",
        lesson,
        learning_rate=stage.rate,
        buffer_size=min(stage.buffer, stage.steps),
        learning_starts=min(stage.starts, stage.steps // 2),
        batch_size=stage.batch,
        train_freq=stage.every,
        gamma=stage.gamma,
        tau=stage.tau,
        policy_kwargs=_kwargs(job, "qf"),
        seed=job.seed,
        device="cpu",
    )
    actor = [*linears(model.actor.latent_pi), model.actor.mu]
    return _learn(job, model, _Keeper(job, model, lesson, actor, None))


def _kwargs(job: Job, critic: str) -> dict[str, Any]:
    hidden = list(job.shape.hidden)
    return {"net_arch": {"pi": hidden, critic: hidden}, "activation_fn": nn.ReLU}


def _scaling(job: Job) -> Tensors:
    """That of the policy begun from; from scratch the inputs are within -1 and 1 as they are."""
    if job.start is not None:
        return {name: job.start.tensors[name] for name in ("mean", "std")}
    size = job.shape.features
    return {"mean": np.zeros(size, np.float32), "std": np.ones(size, np.float32)}


def _learn(job: Job, model: Any, keeper: _Keeper) -> Policy:
    keeper.resume()
    left = job.stage.steps - model.num_timesteps
    if left > 0:
        # read by the keeper and never printed; one of its own would make a folder of its own
        model.set_logger(Logger(None, []))
        model.learn(left, keeper, log_interval=10**9, reset_num_timesteps=False)
        keeper.look_and_save()
    return keeper.policy()


class _Keeper(BaseCallback):
    """Counts steps, looks at the policy, and writes the checkpoint."""

    def __init__(
        self, job: Job, trainee: Any, lesson: Lesson, actor: Any, before: Before | None
    ) -> None:
        super().__init__()
        self.job, self.trainee, self.lesson, self.actor = job, trainee, lesson, actor
        self.before = before  # of a roll-out: what may learn from it
        self.told = self.saved = 0

    def policy(self) -> Policy:
        """What has been learnt so far; SAC bends its outputs by tanh."""
        tanh = isinstance(self.trainee, SAC)
        return policy_of(self.job.shape, self.actor, self.lesson.scaling, tanh)

    def _on_step(self) -> bool:
        steps = self.trainee.num_timesteps
        if steps - self.told >= 100:
            self._tell()
        if isinstance(self.trainee, SAC) and steps - self.saved >= SAC_SAVES:
            self.look_and_save()
        return True

    def _on_rollout_start(self) -> None:
        if self.before is not None:  # PPO: all that was collected has been learnt from
            self.before(self.trainee.num_timesteps)
            if self.trainee.num_timesteps > self.saved:
                self.look_and_save()

    def look_and_save(self) -> None:
        """Tells, looks and writes the checkpoint."""
        self._tell()
        self.job.log.note(_numbers(self.trainee))
        self.job.log.look(self.policy(), self.told)
        self.saved = self.told
        tensors = {f"net.{k}": v.numpy() for k, v in self.trainee.policy.state_dict().items()}
        for name, optimiser in _optimisers(self.trainee).items():
            tensors |= {f"{name}.{k}": v for k, v in adam_state(optimiser).items()}
        if isinstance(self.trainee, SAC):
            entropy: Any = self.trainee.log_ent_coef
            tensors["log_ent_coef"] = entropy.detach().numpy()
        state = {"steps": self.told, "episode": self.lesson.episode, "curve": self.job.log.curve}
        checkpoint.store(self.job.checkpoint, tensors, state)

    def _tell(self) -> None:
        self.job.log.advance(self.trainee.num_timesteps - self.told)
        self.told = self.trainee.num_timesteps

    def resume(self) -> None:
        """Back to the checkpoint, if there is one; the episode under way then begins anew."""
        if not self.job.checkpoint.is_file():
            self.trainee.num_timesteps = 0
            return
        tensors, state = checkpoint.fetch(self.job.checkpoint)
        with checkpoint.restoring(self.job.checkpoint):
            self._restore(tensors, state)
        self._tell()
        self.saved = self.told

    def _restore(self, tensors: Tensors, state: dict[str, Any]) -> None:
        steps = checkpoint.count(state, "steps")
        net = {k.removeprefix("net."): v for k, v in tensors.items() if k.startswith("net.")}
        self.trainee.policy.load_state_dict({k: torch.from_numpy(v) for k, v in net.items()})
        for name, optimiser in _optimisers(self.trainee).items():
            mine = {k.removeprefix(f"{name}."): v for k, v in tensors.items()}
            restore_adam(optimiser, mine)
        if isinstance(self.trainee, SAC):  # its memory of transitions is not kept: fill it anew
            entropy: Any = self.trainee.log_ent_coef
            entropy.data = torch.from_numpy(tensors["log_ent_coef"]).reshape(entropy.shape)
            self.trainee.learning_starts += steps
        self.trainee.num_timesteps = steps
        self.lesson.episode = checkpoint.count(state, "episode")
        torch.manual_seed(self.job.seed + steps)
        self.job.log.curve[:] = checkpoint.curve(state)
        self.policy()  # is checked: no training goes on from numbers that are not finite


def _optimisers(model: Any) -> dict[str, Any]:
    if isinstance(model, SAC):
        found = {"actor": model.actor.optimizer, "critic": model.critic.optimizer}
        return {**found, "entropy": model.ent_coef_optimizer}
    return {"optimiser": model.policy.optimizer}


def _numbers(model: Any) -> dict[str, float]:
    """What Stable-Baselines3 noted since the last update, and its means of the latest episodes."""
    noted = getattr(model.logger, "name_to_value", {}) if hasattr(model, "_logger") else {}
    found = {k: float(v) for k, v in noted.items() if isinstance(v, (int, float, np.number))}
    if model.ep_info_buffer:  # it would note these itself only where it prints
        found["rollout/ep_rew_mean"] = float(np.mean([e["r"] for e in model.ep_info_buffer]))
        found["rollout/ep_len_mean"] = float(np.mean([e["l"] for e in model.ep_info_buffer]))
    return found
