"""The commands of the command line. What is heavy is imported by the command that needs it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

from genba.audit.command import audit, opened, opened_ledger
from genba.console import (
    Refused,
    check_files,
    clean,
    import_physics,
    json_last,
    need,
    number,
    show_table,
    tidied,
)

EXTRAS = {
    "matplotlib": "report", "jinja2": "report", "imageio": "video", "imageio_ffmpeg": "video",
    "tensorboard": "train", "cryptography": "audit",
}  # fmt: skip
WRITTEN = "record", "video", "audit", "svg"  # options that name a file


class Failure(RuntimeError):
    """Work that began and went wrong: one line, exit code 1."""


def list_(options: argparse.Namespace, out: TextIO) -> int:
    """genba list"""
    from genba.catalogue import catalogue

    rows = catalogue(options.what)
    with json_last(rows, options.json, out) as told:
        if told:
            header = list(rows[0]) if rows else ["name"]
            cells = [[_cell(row.get(name)) for name in header] for row in rows]
            show_table(out, "", header, cells, numbers=len(header))
    return 0


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):  # a rule's parameters
        return ", ".join(f"{k}={_cell(v['default'])}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return "" if value is None else str(value)


def run(options: argparse.Namespace, out: TextIO) -> int:
    """genba run"""
    from genba.scenarios import load

    written = options.record, options.json, options.video, options.audit
    check_files(*written, beside=(options.audit_key,))
    scenario = load(options.scenario, _overrides(options))
    film: Any = None
    if options.video is not None:
        from genba.video import Film

        film = Film(options.video)
    import_physics()
    from genba import kpi
    from genba.agents import make as make_agent
    from genba.bench import show
    from genba.bench.audit import recorded
    from genba.bench.play import AgentFailed, play
    from genba.envs import make as make_env
    from genba.episode import clock, events_kept

    env: Any = make_env(scenario, render_mode="rgb_array" if film else None)
    about = {
        "scenario": scenario.name, "agent": options.agent, "seed": options.seed,
        "seconds": scenario.seconds, "config": scenario.fingerprint(),
    }  # fmt: skip
    try:
        agent = make_agent(options.agent, env)
        book = opened(options)
        kept, filmed = events_kept(env, options.record), film or nullcontext()
        with kept, filmed, recorded(env, book, about) as log, clock(scenario) as tick:

            def watch(env: Any, info: Any) -> None:
                tick(info["time"])
                if film is not None:
                    film.take(env, info["time"])

            play(env, agent, options.seed, watch)
        figures = kpi.kpis(env.unwrapped.events, scenario.seconds)
    except AgentFailed as error:
        raise Failure(str(error)) from error
    finally:
        env.close()
    with json_last({**about, "figures": figures}, options.json, out) as told:
        if told:
            show.figures(out, f"{scenario.name}, {options.agent}, seed {options.seed}", figures)
    if log is not None and log.shortfall:
        raise Failure(log.shortfall)
    return 0


def _overrides(options: argparse.Namespace) -> list[str]:
    seconds = getattr(options, "seconds", None)
    return [*options.overrides, *([f"seconds={seconds!r}"] if seconds is not None else [])]


def train(options: argparse.Namespace, out: TextIO) -> int:
    """genba train"""
    from genba.scenarios import load

    load(options.scenario, options.overrides)  # before PyTorch is loaded for nothing
    need("tensorboard", "train")
    import_physics()
    from genba.agents.train import main

    return int(main({k: v for k, v in vars(options).items() if k != "command"}) or 0)


def bench(options: argparse.Namespace, out: TextIO) -> int:
    """genba bench"""
    from genba.scenarios import distinct, load, load_suite

    for module in ("matplotlib", "jinja2"):
        need(module, "report")
    from genba.bench import results

    kept = results.kept(options.out)
    check_files(options.json, options.audit, beside=(options.audit_key, *kept))
    suite = load_suite(options.suite)
    if options.seconds is None:
        options.seconds = suite.seconds
    scenarios = [load(name, _overrides(options)) for name in suite.scenarios]
    distinct(suite.name, scenarios)
    folder = options.out or Path("runs") / f"{suite.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    from genba.console import check_folder

    with tidied(folder):
        check_folder(folder)
        import_physics()
        from genba.bench import finish, plan, run, show

        seed = suite.seed if options.seed is None else options.seed
        names = list(dict.fromkeys(options.agent or ()))
        asked = plan(suite, scenarios, names, seed, options.episodes or suite.episodes)
        for line in asked.left_out:
            print(f"genba: {clean(line)}", file=sys.stderr)
        ledger = opened_ledger(options)
    failed = _played(run(asked, folder, options.workers, options.resume, ledger), folder)
    card = finish(folder)
    from genba.report import write

    with json_last(card, options.json, out) as told:
        page = write(folder, options.lang)
        if told:
            show.scorecard(out, card)
            out.write(f"\nscorecard  {folder / results.SCORECARD}\nreport     {page}\n")
    if failed:
        raise Failure(f"{failed} episodes failed, see {folder / results.RESULTS}")
    if ledger is not None and ledger.missing:
        raise Failure(f"{ledger.path}: {ledger.missing} entries could not be written")
    return 0


def _played(rows: Any, folder: Path) -> int:
    """Follows a benchmark on a bar; returns how many episodes failed."""
    from tqdm import tqdm

    failed = 0
    done, total, _ = next(rows)  # what a resumed run found; refusals come before the bar
    with tqdm(total=total, initial=done, unit="episode", smoothing=0.1) as bar:
        try:
            for _, _, row in rows:
                bar.update(1)
                if row["error"]:
                    failed += 1
                    where = f"{row['scenario']} {row['agent']} seed {row['seed']}"
                    bar.write(clean(f"{where}: {row['error']}"), file=sys.stderr)
        except KeyboardInterrupt:
            rows.close()
            raise KeyboardInterrupt(
                f"{bar.n} of {total} episodes are in {folder}, go on with --resume"
            ) from None
    return failed


def report(options: argparse.Namespace, out: TextIO) -> int:
    """genba report"""
    if not options.folder.is_dir():
        raise Refused(f"{options.folder}: no such folder")
    if options.check:
        from genba.bench.check import check

        return check(options.folder, out)
    for module in ("matplotlib", "jinja2"):
        need(module, "report")
    from genba.report import write

    out.write(f"{write(options.folder, options.lang)}\n")
    return 0


def speed(options: argparse.Namespace, out: TextIO) -> int:
    """genba speed"""
    from genba.scenarios import load

    names = options.scenario or ["kitting_shared"]
    check_files(options.json)
    for name in names:
        load(name, options.overrides)
    import_physics()
    from tqdm import tqdm

    from genba.speed import speed as measure

    rows = [measure(name, options.steps, options.overrides) for name in tqdm(names, disable=None)]
    with json_last(rows, options.json, out) as told:
        for row in rows if told else ():
            lines = [[k, number(v)] for k, v in row.items() if k not in ("name", "rules", "parts")]
            show_table(out, row["name"], ["", "median"], lines)
            parts = [[p["name"], number(p["us"]), number(p["over_physics"])] for p in row["parts"]]
            show_table(out, "where a step goes", ["part", "us", "over physics"], parts)
            rules = [
                [r["name"], number(r["median_us"]), number(r["p999_us"])] for r in row["rules"]
            ]
            show_table(out, "two people near", ["rule", "median us", "p99.9 us"], rules)
    return 0


def trial(options: argparse.Namespace, out: TextIO) -> int:
    """genba trial"""
    from genba.trial.command import trial as play_trial

    if objections := play_trial(options, out):
        raise Failure("; ".join(objections))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {
    "list": list_, "run": run, "train": train, "bench": bench, "report": report, "speed": speed,
    "audit": audit, "trial": trial,
}  # fmt: skip


def written(options: argparse.Namespace) -> list[Path | None]:
    """The files a command is asked to write. Raises Refused where another than the JSON is `-`."""
    for name in WRITTEN:
        if str(getattr(options, name, None)) == "-":
            raise Refused(f"--{name} -: name a file; only --json - is standard output")
    return [getattr(options, name, None) for name in (*WRITTEN, "json")]


def is_bad_input(error: ValueError) -> bool:
    """Whether the message is meant for the person who typed, rather than a fault of ours."""
    return isinstance(error, Refused) or type(error).__name__ in (
        "ScenarioError",
        "AgentError",
        "AuditError",
    )


def missing_extra(error: ModuleNotFoundError) -> str:
    """What to install, for a module that is not there. Raises it again where it is no extra."""
    extra = EXTRAS.get((error.name or "").split(".")[0])
    if extra is None:
        raise error
    return f'{error.name} is not installed: pip install "genba[{extra}]"'
