"""What a training leaves behind: the weights, the card for programs and the card for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genba import __version__
from genba.agents import exam
from genba.agents.card import MAX_CARD, MAX_COMMAND, Card, save_card, save_policy
from genba.agents.checkpoint import replace
from genba.agents.demonstrations import FIRST_SEED, TRAINING_SEEDS
from genba.agents.fingerprints import of_code
from genba.agents.policy import Policy
from genba.agents.recipe import Recipe
from genba.agents.role import AgentError
from genba.agents.trained import speeds
from genba.envs.company import FIELDS
from genba.scenarios import Scenario
from genba.scenarios.scenario import explain

TEXT = "CARD.md"
CURVE = 40  # rows of the curve that are kept
USE = {
    "parts": "Plays the named cell of this package, in simulation: a reference for benchmarks, and "
    "a start for further training.",
    "harm": "An adversary: drives the robot at people, in simulation, so that a safety layer can "
    "be tried with it. It plays every cell.",
}
LIMITS = {
    "parts": "Not a safety function, and not meant for a real robot. Other robots, parts and "
    "layouts than those of the scenario were not tried.",
    "harm": "Made to do harm: never for a real robot. What it cannot do, another one may; it is "
    "one adversary of several and no proof that a layer is safe. Not a safety function.",
}
MEANING = {
    "twist": "TCP velocity x y z, TCP turning x y z, grip; each in [-1, 1], times the speeds",
    "joint_velocity": "velocity of each joint, grip; each in [-1, 1], times the joint's top speed",
}


def draft(scenario: Scenario, recipe: Recipe, env: Any, command: str) -> Card:
    """A card before there are weights. Raises AgentError for what is not there or no card holds."""
    fields = dict(env.unwrapped.fields)
    wanted = recipe.observations
    if wanted is None:
        by_joint = scenario.action == "joint_velocity"
        wanted = [name for name in fields if by_joint or not name.startswith("joint_")]
    missing = [name for name in wanted if name not in fields]
    if missing:
        raise AgentError(
            f"observations: {missing[0]!r} is not observed; known: {', '.join(fields)}"
        )
    told = {
        "format": 1,
        "cell": scenario.cell,
        "scenario": scenario.name,
        "robot": scenario.robot,
        "gripper": scenario.gripper,
        "action": scenario.action,
        "actions": env.action_space.shape[0],
        "speeds": speeds(scenario),
        "observations": {name: fields[name] for name in fields if name in wanted},
        "scales": recipe.scales,
        "hidden": recipe.hidden,
        "output": "tanh" if recipe.stages[-1].algo == "sac" else "clip",
        "sha256": "0" * 64,
        "command": command if len(command) <= MAX_COMMAND else command[: MAX_COMMAND - 4] + " ...",
        "recipe": recipe.model_dump(mode="json"),
        "played": settings(scenario),
        "genba": __version__,
        "code": of_code(),
        "use": USE[recipe.goal],
        "limits": _limits(recipe.goal, scenario, wanted),
    }
    try:
        return Card.model_validate(told)
    except ValidationError as error:
        raise AgentError(f"{scenario.where}: no card can say {explain(error, Card)}") from None


def settings(scenario: Scenario) -> dict[str, Any]:
    """A scenario for a card, so that the same can be played again; {} where it holds too much."""
    told = scenario.model_dump(mode="json")
    try:
        return told if len(json.dumps(told, indent=1, allow_nan=False)) < MAX_CARD // 2 else {}
    except ValueError:  # a number that is no JSON, which a cell's own settings may have
        return {}


def _limits(goal: str, scenario: Scenario, reads: Iterable[str]) -> str:
    """Of a policy that makes parts also whether it has met people, and what it reads of them."""
    if goal != "parts":
        return LIMITS[goal]
    about = scenario.people.visits_per_hour > 0
    known = [name for name in reads if name in FIELDS]
    reading = f"it reads {', '.join(known)} of them" if known else "it reads nothing of people"
    return (
        f"Trained with {'people' if about else 'nobody'} around: {reading} and leaves their "
        f"protection to the safety layer. {LIMITS[goal]}"
    )


def write(folder: Path, policy: Policy, card: Card, found: dict[str, Any]) -> Card:
    """Weights, card.json and CARD.md; `found` has best, stages and score. Raises OSError."""
    best, stages = found["best"], found["stages"]
    done = stages[: stages.index(best) + 1]
    curve = [point for row in done for point in row["curve"]]
    full = card.model_copy(
        update={
            "sha256": save_policy(folder, policy),
            "stage": best["stage"],
            "steps": sum(row["steps"] for row in done),
            "seeds": seeds(
                Recipe.model_validate(card.recipe),
                looked=any(row["curve"] for row in stages),
                chosen=any("choice" in row for row in stages),
            ),
            "candidates": [{k: v for k, v in row.items() if k != "curve"} for row in stages],
            "curve": curve[:: max(1, -(-len(curve) // CURVE))],
            "score": found["score"],
            "doubt": found.get("doubt"),
        }
    )
    save_card(folder, full)
    replace(folder / TEXT, text(full).encode())
    return full


def seeds(recipe: Recipe, looked: bool, chosen: bool) -> dict[str, list[int]]:
    """First and last seed of each use that there was; none is in two."""
    scoring = recipe.scoring
    used = {"training": [FIRST_SEED, TRAINING_SEEDS - 1]}
    if looked:
        used["curve"] = [exam.LOOKS, exam.LOOKS + scoring.look - 1]
    if chosen:
        used["choice"] = [exam.CHOICE, exam.CHOICE + scoring.choose - 1]
    return used | scored(scoring.episodes)


def scored(episodes: int) -> dict[str, list[int]]:
    """The seeds of a score of so many episodes, if there are any."""
    return {"score": [exam.SCORE, exam.SCORE + episodes - 1]} if episodes else {}


def text(card: Card) -> str:
    """The card for people, Markdown."""
    reads = ", ".join(f"{name} ({size})" for name, size in card.observations.items())
    used = "; ".join(f"{name} {low}-{high}" for name, (low, high) in card.seeds.items())
    kept = " The score's seeds were used for nothing else." if "score" in card.seeds else ""
    output = "cut off at -1 and 1" if card.output == "clip" else "bent into -1 to 1"
    return f"""# A policy for {card.cell}

{card.use}

**Limits.** {card.limits}

- Trained in `{card.scenario}` ({card.robot}); {card.steps:,} control steps up to {card.stage}.
- Made by `{card.command}` (genba {card.genba}, code {card.code}).
- Reads: {reads}.
- Answers: {MEANING[card.action]} ({card.speeds[0]:g} and {card.speeds[1]:g}).
- Network: inputs at scales {card.scales}, hidden {card.hidden} (ReLU), output {output}
  (`{card.output}`).
- Seeds: {used}.{kept}
- {_doubt(card)}
- SHA-256 of policy.safetensors: `{card.sha256}`

{_score(card)}{_candidates(card)}{_curve(card)}"""


def _doubt(card: Card) -> str:
    if card.doubt is None:
        return "Not calibrated: it never says that it is uncertain."
    d = card.doubt
    return (
        f"Uncertain from a strangeness of {d.strangeness:.4g}: the split-conformal threshold of "
        f"{d.episodes} episodes, which {100 * d.alpha:g} % of ordinary ones exceed."
    )


def _score(card: Card) -> str:
    if not card.score:
        return "Not scored.\n\n"
    seconds = card.recipe["scoring"]["seconds"]
    names = ["this policy", *(["scripted"] if "scripted" in card.score else [])]
    lines = [
        "## Score\n",
        f"{card.score['episodes']} episodes of {seconds:g} s, 95 % intervals over episodes; "
        "`python -m genba.agents.calibrate DIR` plays them again.\n",
        f"| figure | {' | '.join(names)} |",
        "|---|" + "---|" * len(names),
    ]
    for name, ours in card.score["figures"].items():
        columns = [ours, *([card.score["scripted"][name]] if len(names) > 1 else [])]
        lines.append(f"| {name} | {' | '.join(_bounds(c) for c in columns)} |")
    if len(names) > 1:
        difference = _bounds(card.score["difference"]["good_parts_per_hour"])
        share = card.score["share_of_scripted"]
        lines.append(f"\nGood parts/h, ours minus scripted on the same seeds: {difference};")
        lines.append(f"share of the scripted: {'-' if share is None else f'{100 * share:.1f} %'}.")
    return "\n".join(lines) + "\n\n"


def _candidates(card: Card) -> str:
    if not any("choice" in row for row in card.candidates):
        return ""
    first = _shown(card)[0]
    lines = [
        "## Candidates\n",
        f"| stage | steps | {_words(first)} on the seeds of choice |",
        "|---|---|---|",
    ]
    for row in card.candidates:
        found = row.get("choice", {}).get(first, 0.0)
        lines.append(f"| {row['stage']} | {row['steps']:,} | {found:.0f} |")
    return "\n".join(lines) + "\n\n"


def _curve(card: Card) -> str:
    if not card.curve:
        return ""
    first, second = _shown(card)[:2]
    head = f"| step | {_words(first)} | {_words(second)} |"
    lines = ["## Curve\n", head, "|---|---|---|"]
    for row in card.curve:
        found = f"{row.get(first, 0.0):.0f} | {_number(row.get(second))}"
        lines.append(f"| {row['step']:,.0f} | {found} |")
    return "\n".join(lines) + "\n"


def _shown(card: Card) -> tuple[str, ...]:
    return exam.SHOWN[card.recipe.get("goal", "parts")]


def _words(name: str) -> str:
    """A figure's name for people."""
    return name.replace("_per_hour", "/h").replace("_", " ")


def _bounds(values: list[float | None]) -> str:
    value, low, high = values
    if low is None and high is None:  # seeds that are all equal tell no spread
        return _number(value)
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
