"""`genba trial`: plays, counts, says what came out, and fails where it proves nothing."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TextIO

from genba.bench import results
from genba.bench.results import Row
from genba.console import Refused, check_files, clean, import_physics, json_last
from genba.safety import PROFILES
from genba.scenarios.scenario import did_you_mean
from genba.trial import plan, show, tables
from genba.trial.plan import Job
from genba.trial.run import Told, meta, played, run

SHARE = 0.1  # of the hours, for each level of a fault


def trial(options: argparse.Namespace, out: TextIO) -> list[str]:
    """genba trial; returns why it is no success: it proves nothing, or a profile failed.

    Raises Refused, one line.
    """
    check_files(options.json, beside=results.kept(options.out))
    import_physics()
    parts = list(dict.fromkeys(options.part or ["adversaries"]))
    if options.overrides and "cost" not in parts:
        raise Refused("--set: it changes the scenarios of --part cost alone")
    planned = {part: _jobs(part, options) for part in plan.PARTS if part in parts}
    folder = options.out or Path("runs") / f"trial-{time.strftime('%Y%m%d-%H%M%S')}"
    jobs = [job for some in planned.values() for job in some]
    failed = _follow(run(jobs, folder, options.seed, (options.workers, options.resume)), folder)
    card = summary(planned, folder, options)
    results.dump(folder / "trial.json", card)
    with json_last(card, options.json, out) as told:
        if told:
            show.show(out, card)
            files = folder / results.RESULTS, folder / "trial.json"
            out.write("\nepisodes  {}\ntables    {}\n".format(*files))
    return [*([f"{failed} episodes failed"] if failed else []), *card["objections"]]


def _jobs(part: str, options: argparse.Namespace) -> list[Job]:
    asked = _profiles(options.profile)
    if part == "adversaries":
        chosen = asked or plan.known(plan.TRIED)
        chosen = [plan.UNPROTECTED, *(name for name in chosen if name != plan.UNPROTECTED)]
        return plan.adversaries(chosen, options.hours, options.seed)
    if part == "broken":
        return plan.broken(asked or plan.known(plan.BROKEN), SHARE * options.hours, options.seed)
    chosen = asked or plan.known(plan.SHIPPED)
    return plan.cost(chosen, options.hours, options.seed, options.overrides)


def _profiles(names: Sequence[str] | None) -> list[str]:
    for name in names or []:
        if name not in PROFILES:
            raise Refused(f"unknown profile {name!r}{did_you_mean(name, list(PROFILES))}")
    return list(dict.fromkeys(names or []))


def _follow(rows: Generator[Told, None, None], folder: Path) -> int:
    """Follows the play on a bar; returns how many episodes failed."""
    from tqdm import tqdm

    failed = 0
    done, total, _ = next(rows)
    with tqdm(total=total, initial=done, unit="episode", smoothing=0.1) as bar:
        try:
            for _, _, row in rows:
                bar.update(1)
                if row is not None and row["error"]:
                    failed += 1
                    where = f"{row['scenario']} {row['profile']} {row['agent']} seed {row['seed']}"
                    bar.write(clean(f"{where}: {row['error']}"), file=sys.stderr)
        except KeyboardInterrupt:
            rows.close()
            raise KeyboardInterrupt(
                f"{bar.n} of {total} episodes are in {folder}, go on with --resume"
            ) from None
    return failed


def summary(planned: dict[str, list[Job]], folder: Path, options: argparse.Namespace) -> Row:
    """Everything that the trial has to say, as it is written."""
    card: Row = {**meta(options.seed), "hours": options.hours}
    if options.overrides:
        card["overrides"] = list(options.overrides)
    objections: list[str] = []
    for part, jobs in planned.items():
        rows = played(jobs, folder)
        if part == "adversaries":
            card |= {"adversaries": tables.by_profile(rows), "findings": tables.findings(rows)}
            objections += _objections(card, rows)
        elif part == "broken":
            card["broken"] = tables.by_fault(rows)
        else:
            card |= {"cost": tables.output(rows), "order": tables.comparisons(rows)}
    card["objections"] = objections
    return card


def _objections(card: Row, rows: Sequence[Row]) -> list[str]:
    proves, breaches = tables.worth(rows)
    card["proves_something"] = proves
    found = []
    if not proves:
        found.append(
            f"the trial proves nothing: unprotected, the adversaries caused {breaches} breaches, "
            f"and {tables.HUNDREDS} are asked for"
        )
    for row in card["adversaries"]:
        if row["failures"]:
            found.append(f"{row['name']}: {row['failures']} failures ({row['criterion']})")
    return found
