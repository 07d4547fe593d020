"""Whether what a benchmark's folder says follows from the events that it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any, TextIO

from genba import kpi
from genba.bench import build_hash, results
from genba.bench.results import Row, plain
from genba.bench.scorecard import by_figure, scorecard
from genba.console import Refused, clean
from genba.sim.state import Event, EventKind

CLOSE = 1e-6  # s and relative: events are kept with their time to the microsecond


def check(folder: Path, out: TextIO) -> int:
    """Writes a line for each thing that does not follow; returns the exit code.

    Raises Refused where the folder holds no benchmark.
    """
    meta, rows = results.read_benchmark(folder)
    if not rows:
        raise Refused(f"{folder / results.RESULTS}: holds no episode")
    played = [row for row in rows if not row["error"]]
    wrong = [*_rows(folder, played, meta), *_card(folder / results.SCORECARD, rows)]
    for line in wrong:
        out.write(f"{clean(line)}\n")
    if wrong:
        if meta["build"] != build_hash():
            out.write("the folder was written by another version, whose figures may differ\n")
        return 1
    out.write(f"{len(played)} episodes, all figures follow from their events\n")
    if missing := len(meta["scenarios"]) * len(meta["agents"]) * meta["episodes"] - len(played):
        out.write(f"{missing} episodes of those asked for are not there\n")
    return 0


def _rows(folder: Path, rows: Sequence[Row], meta: Row) -> Iterator[str]:
    of: dict[str, str] = {}
    for row in rows:
        who = f"{row['scenario']} {row['agent']} seed {row['seed']}"
        where = f"{folder / results.RESULTS}: {who}"
        if row["file"] in of:
            yield f"{where}: file is {row['file']}, which is that of {of[row['file']]}"
        of.setdefault(row["file"], who)
        seconds = meta["scenarios"][row["scenario"]].get("seconds", row["seconds"])
        yield from _differ(f"{where}: seconds", row["seconds"], seconds, results.META)
        yield from _episode(folder, where, row)


def _episode(folder: Path, where: str, row: Row) -> Iterator[str]:
    path = folder / results.EPISODES / f"{row['file']}.json.gz"
    try:
        found = results.read_episode(path)
    except Refused as error:
        yield str(error)
        return
    if found is None:
        yield f"{path}: missing or damaged, so nothing shows where the figures come from"
        return
    try:
        events = [
            Event(e["time"], EventKind(e["kind"]), e["subject"], e["data"]) for e in found["events"]
        ]
        tally = kpi.tally(events, row["seconds"])
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        yield f"{path}: events that cannot be: {error}"
        return
    source = path.name
    yield from _differ(f"{where}: tally", row["tally"], plain(tally), source)
    yield from _differ(f"{where}: figures", row["figures"], plain(kpi.figures(tally)), source)
    worst = found["worst"] and {k: v for k, v in found["worst"].items() if k != "trace"}
    yield from _differ(f"{where}: worst", row["worst"], worst, source)


def _card(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    try:
        said = results.read_json(path)
        known = by_figure(said)
    except Refused as error:  # a line like the others, so that what was found before is said too
        yield str(error)
        return
    except (KeyError, TypeError):
        yield f"{path}: not a scorecard"
        return
    computed = by_figure(scorecard(rows))
    a, b = ({" ".join(map(str, k)): v for k, v in card.items()} for card in (known, computed))
    yield from _differ(f"{path}:", a, b, results.RESULTS)
    if len(known) != len(said):
        yield f"{path}: {len(said) - len(known)} rows are there twice"


def _differ(key: str, said: Any, found: Any, source: str) -> Iterator[str]:
    """A line for each number or word that is not as it was found in the source."""
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        for name in sorted({*said, *found}):
            join = " " if key.endswith(":") else "."
            pair = said.get(name, _NONE), found.get(name, _NONE)
            yield from _differ(f"{key}{join}{name}", *pair, source)
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for i, pair in enumerate(zip(said, found, strict=True)):
            yield from _differ(f"{key}.{i}", *pair, source)
    elif not _same(said, found):
        yield f"{key} is {_short(said)}, from {source} it is {_short(found)}"


_NONE = "not there"


def _same(a: object, b: object) -> bool:
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b)):
        return isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE)  # type: ignore[arg-type] # both numbers
    return type(a) is type(b) and a == b


def _short(value: object) -> str:
    text = f"{len(value)} values" if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
