"""Training from a scenario to a policy with a card: stages in turn, the best of them exported."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.agents import exam, export
from genba.agents.calibrate import examined
from genba.agents.card import WEIGHTS, Card, load, load_weights, save_policy
from genba.agents.harm import Harm
from genba.agents.job import Job
from genba.agents.ledger import LEDGER, opened, write_ledger
from genba.agents.policy import Policy
from genba.agents.progress import Progress
from genba.agents.recipe import ALGO, Recipe, recipe_for, with_joints, with_steps
from genba.agents.role import AgentError
from genba.agents.scripted import for_env
from genba.agents.trained import SPEEDS, Trained, from_path, places, speeds
from genba.console import tidied
from genba.envs import make as make_env
from genba.scenarios import Scenario
from genba.scenarios import load as load_scenario

START = "start"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    scenario: Scenario
    recipe: Recipe
    seed: int
    folder: Path
    resume: bool
    begin: Path | None  # a trained policy to begin from
    command: str

    def identity(self) -> Row:
        """A training that differs in any of this is another one."""
        return {
            "scenario": self.scenario.fingerprint(),
            "recipe": self.recipe.fingerprint(),
            "seed": self.seed,
            # its weights, whatever its folder is called today
            "start": "None" if self.begin is None else load(self.begin)[0].sha256,
        }


def main(options: Mapping[str, Any]) -> int:
    """`genba train`: scenario, algo, recipe, steps, seed, out, resume, from, overrides.

    Raises AgentError or ScenarioError, one line; KeyboardInterrupt with how to go on.
    """
    asked = order(options)
    one_thread()
    try:
        with tidied(asked.folder / f".probe-{os.getpid()}"):  # and the folder that it is to try
            folder = train(asked)
    except KeyboardInterrupt:
        begun = (asked.folder / LEDGER).is_file()  # before that there is nothing to go on with
        kept = f"go on with: {asked.command}" + (" --resume" if begun else "")
        raise KeyboardInterrupt(kept) from None
    print(f"\n{(folder / export.TEXT).read_text(encoding='utf-8')}\n{folder}")
    return 0


def order(options: Mapping[str, Any]) -> Order:
    """The options of the command line, read. Raises AgentError, ScenarioError."""
    scenario = load_scenario(options["scenario"], options.get("overrides") or [])
    begin = _begin(options)
    path = Path(options["recipe"]) if options.get("recipe") else None
    recipe = recipe_for(scenario.cell, options.get("algo"), path, begun=begin is not None)
    if begin is not None:
        recipe = _like(recipe, begin, scenario)
    elif path is None:
        recipe = with_joints(recipe, scenario.action)
    names = "-".join(stage.algo for stage in recipe.stages)
    out = options.get("out") or Path("runs") / f"train-{scenario.name}-{names}"
    return Order(
        scenario,
        with_steps(recipe, options.get("steps")),
        int(options.get("seed") or 0),
        Path(out),
        bool(options.get("resume")),
        begin,
        _command(options, Path(out)),
    )


def _begin(options: Mapping[str, Any]) -> Path | None:
    """The policy to begin from, named as it was typed where there is none."""
    if not options.get("from"):
        return None
    path = Path(options["from"])
    if not path.exists():
        raise AgentError(f"--from {path}: no such agent folder; name one that genba train wrote")
    return path


def _like(recipe: Recipe, begin: Path, scenario: Scenario) -> Recipe:
    """The recipe for a network such as the one begun from; its numbers must mean the same here."""
    if any(stage.algo == "sac" for stage in recipe.stages):
        raise AgentError("--from: sac begins from scratch; ppo and bc can begin from a policy")
    card = load(begin)[0]
    if card.output == "tanh":  # those that learn on cut their output off
        raise AgentError(f"--from {begin}: made by sac, and nothing goes on from its tanh")
    here = speeds(scenario)
    # a policy that plays is rescaled, its weights are not: learning on would begin from another one
    if card.action == scenario.action and here != card.speeds:
        raise AgentError(
            f"--from {begin}: its actions are in units of {card.speeds[0]:g} and "
            f"{card.speeds[1]:g}, the scenario's in {here[0]:g} and {here[1]:g}; "
            f"set {SPEEDS[card.action]} as it had them"
        )
    network = {
        "observations": list(card.observations),
        "scales": card.scales,
        "hidden": card.hidden,
    }
    return recipe.model_copy(update=network)


def one_thread() -> None:
    """Networks of this size are slower with more, and other work has cores to itself."""
    import torch

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """What a training works with: the cell to learn in, the one for exams, who tells of it all."""

    env: Any
    hall: exam.Exam
    card: Card
    log: Progress


def train(asked: Order) -> Path:
    """Trains, chooses, scores and exports; returns the folder of the policy."""
    recipe = asked.recipe
    with ExitStack() as stack:
        ledger = stack.enter_context(opened(asked.folder, asked.identity(), asked.resume))
        env: Any = make_env(asked.scenario)
        stack.callback(env.close)
        if recipe.goal == "harm":
            env = Harm(env)
        check_fit(asked, env)
        card = export.draft(asked.scenario, recipe, env, asked.command)
        hall = stack.enter_context(
            closing(exam.Exam(asked.scenario, recipe.scoring.seconds, recipe.goal))
        )
        write_ledger(asked.folder, ledger)  # all that can be refused has been: the folder is taken
        log = stack.enter_context(
            closing(Progress(recipe.played, asked.folder, hall, recipe.scoring))
        )
        shop = Shop(env, hall, card, log)
        policy = _start(asked, shop, ledger)
        for number, stage in enumerate(recipe.stages, 1):
            policy = _stage(asked, shop, ledger, (number, stage), policy)
        return _export(asked, shop, ledger)


def check_fit(asked: Order, env: Any) -> None:
    """Raises AgentError where the teacher or the policy begun from cannot play this cell."""
    if any(stage.algo == "bc" for stage in asked.recipe.stages):
        for_env(env)
    if asked.begin is not None:
        from_path(asked.begin, env)


def run_stage(job: Job) -> Policy:
    """One stage by its algorithm; what is heavy is imported by those that need it."""
    if job.stage.algo == "bc":
        from genba.agents import bc

        return bc.run(job)
    from genba.agents import rl

    return rl.run_ppo(job) if job.stage.algo == "ppo" else rl.run_sac(job)


def _stage(
    asked: Order, shop: Shop, ledger: Row, numbered: tuple[int, Any], start: Policy | None
) -> Policy:
    number, stage = numbered
    name = f"stage-{number}-{stage.algo}"
    folder = asked.folder / name
    shop.log.begin(name, shop.card)
    done = {row["stage"]: row["steps"] for row in ledger["stages"]}
    if name in done:  # before the interruption
        shop.log.advance(done[name])
        return _weights(folder, shop)
    reads = tuple(places(shop.card.observations, shop.env.unwrapped.fields))
    teacher = for_env(shop.env) if stage.algo == "bc" else None
    job = Job(
        shop.env, asked.recipe, stage, shop.card.shape(), reads, asked.seed, folder, start,
        shop.log, teacher,
    )  # fmt: skip
    policy = run_stage(job)
    _enter(asked, shop, ledger, policy, {"stage": name, "steps": shop.log.done - shop.log.before})
    return policy


def _start(asked: Order, shop: Shop, ledger: Row) -> Policy | None:
    """The policy to begin from, a candidate like those of the stages."""
    if asked.begin is None:
        return None
    if any(row["stage"] == START for row in ledger["stages"]):
        return _weights(asked.folder / START, shop)
    card, policy = load(asked.begin)
    _enter(asked, shop, ledger, policy, {"stage": START, "steps": card.steps})
    return policy


def _enter(asked: Order, shop: Shop, ledger: Row, policy: Policy, row: Row) -> None:
    """A candidate is done: keep it, and examine it where there is one to choose from."""
    save_policy(asked.folder / row["stage"], policy)
    alone = len(asked.recipe.stages) == 1 and asked.begin is None
    if not alone:
        seeds = range(exam.CHOICE, exam.CHOICE + asked.recipe.scoring.choose)
        played = shop.hall.play(Trained(shop.card, policy, shop.env), seeds)
        row["choice"] = exam.shown(played, shop.hall.shown)
        first = shop.hall.shown[0]
        shop.log.say(f"{row['stage']}: {first} {row['choice'].get(first, 0):.4g}")
    ledger["stages"].append({**row, "curve": list(shop.log.curve)})
    write_ledger(asked.folder, ledger)


def _export(asked: Order, shop: Shop, ledger: Row) -> Path:
    """The best candidate, scored on seeds that decided nothing, with its card."""
    first = shop.hall.shown[0]
    best = max(ledger["stages"], key=lambda row: row.get("choice", {}).get(first, 0.0))
    if asked.recipe.goal == "harm":  # where the layer lets nothing happen, there is no best
        best = ledger["stages"][-1]
    policy = _weights(asked.folder / best["stage"], shop)
    scored: Row = {}
    doubt = None
    seeds = range(exam.SCORE, exam.SCORE + asked.recipe.scoring.episodes)
    if seeds:
        shop.log.say(f"scoring {best['stage']} on {len(seeds)} episodes nobody has seen")
        agent = Trained(shop.card, policy, shop.env)
        scored, doubt = examined(shop.hall, agent, seeds, asked.recipe.goal)
    found = {"best": best, "score": scored, "doubt": doubt, **ledger}
    export.write(asked.folder, policy, shop.card, found)
    return asked.folder


def _weights(folder: Path, shop: Shop) -> Policy:
    return load_weights(folder / WEIGHTS, shop.card)[0]


def _command(options: Mapping[str, Any], out: Path) -> str:
    """The command that makes the same policy again."""
    words = ["genba", "train", str(options["scenario"])]
    if options.get("recipe"):
        words += ["--recipe", str(options["recipe"])]
    else:
        words += ["--algo", str(options.get("algo") or ALGO)]
    for name in ("steps", "seed", "from"):
        if options.get(name):
            words += [f"--{name}", str(options[name])]
    for override in options.get("overrides") or []:
        words += ["--set", override]
    return shlex.join([*words, "--out", str(out)])
