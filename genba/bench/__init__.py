"""The benchmark: every agent plays every scenario on the same seeds, one row an episode."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba import kpi
from genba.bench import results, scorecard
from genba.bench.audit import Ledger, new_part, recorded
from genba.bench.cast import cast
from genba.bench.play import details, play
from genba.bench.results import Row
from genba.bench.workers import spread
from genba.console import Refused, check_folder, import_physics
from genba.lock import locked
from genba.safety import read_config
from genba.scenarios import Scenario, Suite
from genba.source import source_hash

NOTICE = (
    "Simulation of a non-safety-rated research layer. Nothing here is a certified safety function."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: every agent on every scenario, on every seed."""

    suite: str
    scenarios: tuple[Scenario, ...]
    agents: tuple[tuple[str, str], ...]  # name or path, and the hash of what it decides with
    seed: int
    episodes: int
    build: str
    titles: tuple[str, str] = ("", "")  # of the suite, in English and in Japanese
    left_out: tuple[str, ...] = ()  # why agents that ship do not play


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play."""

    scenario: Scenario
    agent: str
    agent_hash: str
    seed: int
    folder: str
    audited: bool = False

    @property
    def part(self) -> Path | None:
        """Its own audit log, until it is added to that of the benchmark."""
        folder = Path(self.folder) / results.EPISODES
        return folder / f"{self.file}.audit" if self.audited else None

    @property
    def file(self) -> str:
        """The name of its files: readable, and safe whatever the agent is called."""
        tail = hashlib.sha256(f"{self.agent} {self.agent_hash}".encode()).hexdigest()[:6]
        plain = "".join(c for c in Path(self.agent).stem if c.isascii() and c.isalnum())[:24]
        config = self.scenario.fingerprint()[:6]
        return f"{self.scenario.name}-{config}-{plain}-{tail}-{self.seed}"

    def row(self) -> Row:
        """The part of its row that is known before it is played."""
        return {
            "scenario": self.scenario.name,
            "config": self.scenario.fingerprint(),
            "agent": self.agent,
            "agent_hash": self.agent_hash,
            "seed": self.seed,
            "seconds": self.scenario.seconds,
        }


def plan(
    suite: Suite, scenarios: Sequence[Scenario], agents: Sequence[str], seed: int, episodes: int
) -> Plan:
    """Checks that every agent can take every scenario's controls, before any work starts.

    Without any agent those play that ship and can. Raises ScenarioError, AgentError: one line.
    """
    asked, left_out = cast(scenarios, agents)
    told = suite.titles, left_out
    return Plan(suite.name, tuple(scenarios), asked, seed, episodes, build_hash(), *told)


def build_hash() -> str:
    """Hash of what plays and counts, so that rows of two versions are never mixed."""
    package = Path(__file__).parents[1]
    rooms = ("bench", "kpi", "agents", "envs", "safety", "scenarios", "sim")
    return source_hash([*sorted(package.glob("*.py")), *(package / room for room in rooms)])


def meta(plan: Plan) -> Row:
    """What a reader must know to judge the numbers, and to play them again."""
    from genba import __version__

    return {
        "genba": __version__,
        "build": plan.build,
        "date": time.strftime("%Y-%m-%d"),
        "suite": plan.suite,
        "titles": list(plan.titles),
        "seed": plan.seed,
        "episodes": plan.episodes,
        "scenarios": {s.name: _scenario(s) for s in plan.scenarios},
        "agents": dict(plan.agents),
        "notice": NOTICE,
    }


def _scenario(scenario: Scenario) -> Row:
    rules = read_config(scenario.safety)
    ssm = rules.get("speed_separation")
    return {
        **scenario.model_dump(mode="json"),
        "config": scenario.fingerprint(),
        "rules": list(rules),
        "regime": None if ssm is None else getattr(ssm, "regime", None),
    }


def jobs(plan: Plan, folder: Path, audited: bool = False) -> list[Job]:
    """Every episode of the plan; seeds outermost, so that a stopped run is even over agents."""
    return [
        Job(scenario, name, digest, seed, str(folder), audited)
        for seed in range(plan.seed, plan.seed + plan.episodes)
        for scenario in plan.scenarios
        for name, digest in plan.agents
    ]


def episode(job: Job) -> Row:
    """Plays one episode in a fresh cell; returns its row and leaves its details in the folder."""
    start = time.perf_counter()
    import_physics()
    from genba.agents import make as make_agent
    from genba.envs import make as make_env

    env: Any = make_env(job.scenario)
    try:
        agent = make_agent(job.agent, env)
        with recorded(env, new_part(job.part), {**job.row(), "build": build_hash()}):
            play(env, agent, job.seed, None)
        found = details(env)
        picture = env.unwrapped.worst_image() if found["worst"] is not None else None
        tally = kpi.tally(env.unwrapped.events, job.scenario.seconds)
    finally:
        env.close()
    file = Path(job.folder) / results.EPISODES / job.file
    results.write_episode(file.with_name(file.name + ".json.gz"), found)
    if picture is not None:
        results.write_atomically(file.with_name(file.name + ".png"), results.png(picture))
    worst = found["worst"] and {k: v for k, v in found["worst"].items() if k != "trace"}
    return {
        **job.row(),
        "figures": results.plain(kpi.figures(tally)),
        "tally": results.plain(tally),
        "worst": worst,
        "file": job.file,
        "wall_s": round(time.perf_counter() - start, 3),
        "error": None,
    }


def prepare(folder: Path, new: Row, resume: bool) -> list[Row]:
    """Opens the folder for this plan; returns the rows that are there already.

    Raises Refused where the folder cannot be written, holds something and was not to be resumed,
    or holds results of another configuration.
    """
    check_folder(folder)
    path = folder / results.META
    if not path.exists():
        others = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
        if others:
            raise Refused(
                f"{folder}: holds other files ({others[0]}); name another folder with --out"
            )
        results.dump(path, new)
        (folder / results.EPISODES).mkdir()
        return []
    if not resume:
        raise Refused(f"{folder}: holds results; go on with --resume, or name another --out")
    _same_configuration(folder, results.read_json(path), new)
    (folder / results.RESULTS).touch()
    results.repair(folder / results.RESULTS)
    old, rows = results.read_benchmark(folder)  # refuses before anything is written
    (folder / results.EPISODES).mkdir(exist_ok=True)
    new["date"] = old["date"]
    new["agents"] = {**old["agents"], **new["agents"]}
    new["episodes"] = max(old["episodes"], new["episodes"])
    results.dump(path, new)
    return rows


def _same_configuration(folder: Path, old: Any, new: Row) -> None:
    def differs(what: str, was: object, now: object) -> None:
        if was != now:
            raise Refused(
                f"{folder}: holds results of another configuration ({what}: {was}, now {now}); "
                "name another folder with --out"
            )

    try:
        for name in ("genba", "build", "suite", "seed"):
            differs(name, old[name], new[name])
        differs("scenarios", sorted(old["scenarios"]), sorted(new["scenarios"]))
        for name, scenario in new["scenarios"].items():
            differs(f"scenario {name}", old["scenarios"][name]["config"], scenario["config"])
        for name, digest in new["agents"].items():
            differs(f"agent {name}", old["agents"].get(name, digest), digest)
    except (KeyError, TypeError, AttributeError):
        raise Refused(f"{folder / results.META}: not written by genba bench") from None


def run(
    plan: Plan, folder: Path, workers: int, resume: bool, ledger: Ledger | None = None
) -> Generator[tuple[int, int, Row | None], None, None]:
    """Plays what is missing; yields (done, of, row) as episodes end, first with no row.

    A failed episode is a row with `error`; a resumed run tries it again. The audit log of an
    episode goes into the `ledger` before its row is written; in the end the ledger is sealed.
    """
    with alone(folder), nullcontext() if ledger is None else closing(ledger):
        done = {results.key(r) for r in prepare(folder, meta(plan), resume) if not r["error"]}
        every = jobs(plan, folder, ledger is not None)
        todo = [job for job in every if results.key(job.row()) not in done]
        if ledger is not None:
            ledger.open_for(len(todo))
        count = total = len(done)
        total += len(todo)
        yield count, total, None
        with (folder / results.RESULTS).open("ab") as file:
            for result in spread(episode, todo, workers):
                row = result.value
                if result.error is not None:
                    row = {**result.job.row(), "file": result.job.file, "error": result.error}
                if ledger is not None and result.job.part is not None:
                    ledger.add(result.job.part)
                results.append(file, row)
                count += 1
                yield count, total, row
        if ledger is not None:
            ledger.seal()
        finish(folder)


def finish(folder: Path) -> list[Row]:
    """Writes the scorecard and drops the pictures of all but each agent's worst moment."""
    asked, rows = results.read_benchmark(folder)
    card = scorecard.scorecard(rows, asked)
    results.dump(folder / results.SCORECARD, card)
    keep = {row["file"] for row in scorecard.worst(rows).values()}
    for picture in (folder / results.EPISODES).glob("*.png"):
        if picture.stem not in keep:
            picture.unlink()
    return card


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two runs must not write into one folder. Raises Refused."""
    check_folder(folder)
    with locked(folder, Refused(f"{folder}: another genba bench or trial is writing there")):
        yield
