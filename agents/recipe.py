"""How a policy is trained: stages one after another, each a page of settings, every key checked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genba.agents.policy import LEAST
from genba.agents.role import AgentError
from genba.scenarios import ScenarioError
from genba.scenarios.reading import read_yaml
from genba.scenarios.scenario import explain

HERE = Path(__file__).parent / "recipes"
Count = Annotated[int, Field(ge=1, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
JOINTS = ("joint_position", "joint_velocity")  # observations
PPO_STEPS = 2  # at least: it compares steps with one another
Scale = Annotated[float, Field(ge=LEAST, le=100, allow_inf_nan=False)]  # as of a card
Width = Annotated[int, Field(ge=1, le=1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bc(_Strict):
    """Behaviour cloning with the teacher's answer to whatever the learner gets into (DAgger)."""

    algo: Literal["bc"] = "bc"
    steps: Count = 200_000  # control steps, of which those that are waited through are no data
    rounds: Annotated[int, Field(ge=1, le=1000)] = 20
    updates: Count = 400  # of the network a round
    final: Annotated[int, Field(ge=0, le=10**6)] = 4000  # updates more in the last round
    batch: Annotated[int, Field(ge=1, le=65536)] = 1024
    rate: Positive = 1e-3  # of learning at the start; it falls to a hundredth
    teacher: Share = 0.3  # share of the time the teacher drives after the first round
    noise: Share = 0.3  # greatest standard deviation of what is added to the motion driven
    grip_slips: Share = 0.002  # chance a step that the grip is turned round
    decisions: Annotated[float, Field(ge=1, le=1000)] = 5.0  # weight of steps that turn the grip


class Ppo(_Strict):
    """Proximal policy optimisation (Stable-Baselines3), from scratch or from a policy."""

    algo: Literal["ppo"] = "ppo"
    # the last roll-out is played to its end, so that a few more may be
    steps: Annotated[int, Field(ge=PPO_STEPS, le=10**9)] = 1_000_000
    rollout: Annotated[int, Field(ge=64, le=10**6)] = 4096  # steps between updates
    batch: Annotated[int, Field(ge=8, le=65536)] = 512
    epochs: Annotated[int, Field(ge=1, le=100)] = 5
    rate: Positive = 3e-4
    clip: Positive = 0.2
    gamma: Share = 0.98  # a second is 20 steps, so half of what counts lies within 1.7 s
    gae_lambda: Share = 0.95
    log_std: Annotated[float, Field(ge=-6, le=1)] = -0.7  # of the actions, at the start
    entropy: Annotated[float, Field(ge=0, le=1)] = 0.0
    target_kl: Positive | None = None
    critic_first: Annotated[int, Field(ge=0, le=10**9)] = 0  # steps in which only the critic learns

    @property
    def roll(self) -> tuple[int, int]:
        """Steps of a roll-out and of a batch as they are played: no batch is cut short."""
        batch = min(self.batch, self.rollout, self.steps)
        return min(self.rollout, self.steps) // batch * batch, batch


class Sac(_Strict):
    """Soft actor-critic (Stable-Baselines3), from scratch."""

    algo: Literal["sac"] = "sac"
    steps: Count = 500_000
    rate: Positive = 3e-4
    batch: Annotated[int, Field(ge=8, le=65536)] = 256
    buffer: Annotated[int, Field(ge=100, le=10**7)] = 200_000
    starts: Annotated[int, Field(ge=0, le=10**7)] = 2000  # steps before the first update
    every: Annotated[int, Field(ge=1, le=10**5)] = 4  # steps between updates
    gamma: Share = 0.98
    tau: Share = 0.005


Stage = Annotated[Bc | Ppo | Sac, Field(discriminator="algo")]
ALGO = "bc"  # where neither an algorithm nor a recipe is asked for
DEFAULTS: dict[str, Bc | Ppo | Sac] = {"bc": Bc(), "ppo": Ppo(), "sac": Sac()}


class Scoring(_Strict):
    """How often and on how much a policy is looked at."""

    every: Count = 40_000  # steps between looks
    look: Annotated[int, Field(ge=1, le=1000)] = 4  # episodes a look
    choose: Annotated[int, Field(ge=1, le=1000)] = 20  # episodes that decide between the stages
    episodes: Annotated[int, Field(ge=0, le=1000)] = (
        40  # of the card's score, on seeds of their own
    )
    seconds: Annotated[float, Field(ge=1, le=86400, allow_inf_nan=False)] = 120.0  # an episode


class Recipe(_Strict):
    """A recipe file."""

    goal: Literal["parts", "harm"] = "parts"  # what is rewarded: the cell's work, or hurting people
    # what is read; where it is not said all, and the joints by who moves them
    observations: list[str] | None = None
    scales: Annotated[list[Scale], Field(min_length=1, max_length=6)] = [1.0, 0.1, 0.01]
    hidden: Annotated[list[Width], Field(min_length=1, max_length=4)] = [256, 256]
    stages: Annotated[list[Stage], Field(min_length=1, max_length=10)] = [Bc()]
    scoring: Scoring = Scoring()

    @model_validator(mode="after")
    def _in_order(self) -> Recipe:
        if len(self.stages) > 1 and any(stage.algo == "sac" for stage in self.stages):
            raise ValueError(
                "sac begins from scratch and nothing goes on from it: a recipe of its own"
            )
        return self

    def fingerprint(self) -> str:
        """The same hash, the same recipe."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def steps(self) -> int:
        """Control steps asked of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def played(self) -> int:
        """Control steps that all stages play, the last roll-out of each to its end."""
        whole = [
            s.roll[0] if s.algo == "ppo" else s.every if s.algo == "sac" else 1 for s in self.stages
        ]
        return sum(-(-s.steps // n) * n for s, n in zip(self.stages, whole, strict=True))


def load_recipe(path: Path) -> Recipe:
    """A recipe from its file. Raises AgentError, one line naming file and key."""
    try:
        return Recipe.model_validate(read_yaml(path))
    except ScenarioError as error:
        raise AgentError(str(error)) from None
    except ValidationError as error:
        raise AgentError(f"{path.name}: {explain(error, Recipe)}") from None


def recipe_for(cell: str, algo: str | None, path: Path | None, begun: bool) -> Recipe:
    """What to do when a file or an algorithm (or neither: bc) is asked for.

    Without a file the cell's own recipe is taken, and of it the stages of `algo`. Its fine-tuning
    makes no sense from scratch: an algorithm with nothing to begin from takes its defaults.
    """
    if path is not None:
        if algo is not None:
            raise AgentError(f"--algo {algo}: {path.name} says which algorithms; leave out --algo")
        return load_recipe(path)
    algo = algo or ALGO
    own = HERE / f"{cell}.yaml"
    recipe = load_recipe(own) if own.is_file() else Recipe()
    if algo not in DEFAULTS:
        raise AgentError(f"unknown algorithm {algo!r}; known: {', '.join(DEFAULTS)}")
    stages = [s for s in recipe.stages if s.algo == algo] if begun or algo == "bc" else []
    return recipe.model_copy(update={"stages": stages or [DEFAULTS[algo]]})


def with_joints(recipe: Recipe, action: str) -> Recipe:
    """Who moves the joints must see them, though who moves the tool need not."""
    reads = recipe.observations
    if action != "joint_velocity" or reads is None:  # where nothing is said, a card says what
        return recipe
    more = [name for name in JOINTS if name not in reads]
    return recipe.model_copy(update={"observations": [*reads, *more]})


def with_steps(recipe: Recipe, steps: int | None) -> Recipe:
    """The recipe with its stages' steps shared out anew, in all `steps` but for rounding."""
    if steps is None:
        return recipe
    share = steps / recipe.steps
    stages: list[Any] = []
    for stage in recipe.stages:
        changed: dict[str, Any] = {"steps": max(1, round(stage.steps * share))}
        if isinstance(stage, Bc):  # a short try must not spend its time on a long fit
            changed["rounds"] = min(stage.rounds, max(1, changed["steps"] // 500))
            changed["updates"] = max(1, round(stage.updates * min(1.0, share * 4)))
            changed["final"] = round(stage.final * min(1.0, share * 4))
        if isinstance(stage, Ppo):
            if changed["steps"] < PPO_STEPS:
                raise AgentError(f"--steps {steps}: too few, ppo needs {PPO_STEPS} for itself")
            changed["critic_first"] = round(stage.critic_first * share)
        stages.append(stage.model_copy(update=changed))
    less = {
        "look": max(1, round(recipe.scoring.look * min(1.0, share))),
        "episodes": round(recipe.scoring.episodes * min(1.0, share * 4)),
    }
    scoring = recipe.scoring.model_copy(update=less)
    return recipe.model_copy(update={"stages": stages, "scoring": scoring})
