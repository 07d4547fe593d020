"""Plays what a trial's folder does not hold yet, and keeps every episode as it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path

from genba.bench import NOTICE, alone, build_hash, results
from genba.bench.results import Row
from genba.bench.workers import spread
from genba.console import Refused, check_folder
from genba.trial.plan import Job
from genba.trial.play import episode

Told = tuple[int, int, Row | None]


def run(
    jobs: Sequence[Job], folder: Path, seed: int, options: tuple[int, bool]
) -> Generator[Told, None, None]:
    """Plays the jobs that are missing; yields (done, of, row), first with no row.

    `options` are the number of workers and whether a folder with results may be gone on with. A
    failed episode is a row with `error`; a resumed run tries it again. Raises Refused.
    """
    workers, resume = options
    with alone(folder):
        old = {results.key(row) for row in prepare(folder, seed, resume) if not row["error"]}
        keys = [results.key(job.row()) for job in jobs]
        todo = [job for job, key in zip(jobs, keys, strict=True) if key not in old]
        done = len(jobs) - len(todo)
        yield done, len(jobs), None
        with (folder / results.RESULTS).open("ab") as file:
            for result in spread(episode, todo, workers):
                row = result.value
                if result.error is not None:
                    row = {**result.job.row(), "error": result.error}
                results.append(file, row)
                done += 1
                yield done, len(jobs), row


def prepare(folder: Path, seed: int, resume: bool) -> list[Row]:
    """Opens the folder of a trial; returns the rows that it holds. Raises Refused.

    A folder goes with one build and one seed; hours and profiles may be added.
    """
    check_folder(folder)
    path, new = folder / results.META, meta(seed)
    if not path.exists():
        if any(not p.name.startswith(".") for p in folder.iterdir()):
            raise Refused(f"{folder}: holds other files; name another folder with --out")
        results.dump(path, new)
        return []
    if not resume:
        raise Refused(f"{folder}: holds results; go on with --resume, or name another --out")
    old = results.read_json(path)
    for key in ("kind", "genba", "build", "trial", "seed"):
        if not isinstance(old, dict) or old.get(key) != new[key]:
            raise Refused(f"{folder}: holds results of another {key}; name another --out")
    results.repair(folder / results.RESULTS)
    return results.read_rows(folder) if (folder / results.RESULTS).exists() else []


def meta(seed: int) -> Row:
    """What a reader must know to play the same again."""
    from genba import __version__

    return {
        "kind": "trial", "genba": __version__, "build": build_hash(), "trial": _own_hash(),
        "seed": seed,
        "notice": NOTICE,
    }  # fmt: skip


def _own_hash() -> str:
    """Hash of how a trial plans, plays and counts, and of what its adversaries have learned."""
    from genba.agents.adversaries import WEIGHTS

    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in ("plan", "faults", "play")]
    files += sorted([*WEIGHTS.rglob("*.safetensors"), *WEIGHTS.rglob("card.json")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def played(jobs: Sequence[Job], folder: Path) -> list[Row]:
    """The rows of these jobs, in their order; those that failed are left out."""
    wanted = {results.key(job.row()): k for k, job in enumerate(jobs)}
    rows = [row for row in results.read_rows(folder) if results.key(row) in wanted]
    rows.sort(key=lambda row: wanted[results.key(row)])
    return [row for row in rows if not row["error"]]
