"""The files of a benchmark's folder: what is written, in what order, and how it is read back.

`results.jsonl` has one row an episode, appended and synced as the episode ends, so a killed run
loses at most what was being played. `meta.json` says what was asked; `episodes/` keeps the events
and the worst moment of each episode; `scorecard.json` is computed from the rows and nothing else.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from genba.bench import records
from genba.console import Refused
from genba.sim.state import Event, EventKind

Row = dict[str, Any]

RESULTS = "results.jsonl"
META = "meta.json"
SCORECARD = "scorecard.json"
REPORT = "report.html"
EPISODES = "episodes"
# bytes of an episode's details, unpacked: a week, the longest there may be, of an ordinary cell at
# the 0.15 kB a second that it writes; three days of one with a visitor every second
MOST = 128 * 1024 * 1024


def kept(folder: Path | None) -> list[Path]:
    """What no other output of a command may replace, in a folder that it is asked to write to."""
    return [] if folder is None else [folder / name for name in (RESULTS, META, REPORT)]


def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes an episode that one and no other."""
    return (row["scenario"], row["config"], row["agent"], row["agent_hash"], row["seed"])


def event_row(event: Event) -> Row:
    """An event as JSON; a number that JSON cannot hold becomes null."""
    data = {k: plain(v) for k, v in event.data.items()}
    return {
        "time": round(float(event.time), 6),
        "kind": event.kind.value,
        "subject": event.subject,
        "data": data,
    }


def event(row: Mapping[str, Any]) -> Event:
    """The event that `event_row` made a row of."""
    return Event(row["time"], EventKind(row["kind"]), row["subject"], row["data"])


def plain(value: Any) -> Any:
    """Numpy scalars and arrays as Python's own, infinities as None."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def append(file: BinaryIO, row: Row) -> None:
    """Appends one row and waits until it is on the disk."""
    line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    file.write(line)
    file.flush()
    os.fsync(file.fileno())


def repair(path: Path) -> bool:
    """Cuts a half-written last line off; true where there was one."""
    if not path.exists():
        return False
    data = path.read_bytes()
    if not data or data.endswith(b"\n"):
        return False
    with path.open("r+b") as file:
        file.truncate(data.rfind(b"\n") + 1)
    return True


def read_rows(folder: Path, wrong: Callable[[object], str] = records.of_key) -> list[Row]:
    """The rows, one an episode (the last one wins), sorted so that their order tells nothing.

    `wrong` says what is wrong with a row. Raises Refused with file and line where something is.
    """
    return [row for _, row in _numbered(folder, wrong)]


def _numbered(folder: Path, wrong: Callable[[object], str]) -> list[tuple[int, Row]]:
    """Line (from 1) and row of each episode, in the order of their keys. Raises Refused."""
    path = folder / RESULTS
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror})") from None
    rows: dict[tuple[Any, ...], tuple[int, Row]] = {}
    for i, line in enumerate(lines[:-1], 1):  # the last has no end: half-written, or empty
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            objection = wrong(row)
        except (ValueError, RecursionError):
            objection = "not JSON"
        if objection:
            raise Refused(f"{path}: line {i} is no result of an episode: {objection}")
        rows[key(row)] = i, row
    order = sorted(rows, key=lambda k: tuple(map(str, k[:4])) + (f"{k[4]:>20}",))
    return [rows[k] for k in order]


def read_benchmark(folder: Path) -> tuple[Row, list[Row]]:
    """What was asked, and the rows that belong to it.

    Figures pool what goes by one name, so a row of another agent or configuration under that name
    must not get in. Raises Refused with file, line and key.
    """
    meta, rows = read_meta(folder), _numbered(folder, records.of_row)
    for line, row in rows:
        where = f"{folder / RESULTS}: line {line}"
        scenario, agent = meta["scenarios"].get(row["scenario"]), meta["agents"].get(row["agent"])
        if scenario is None or agent is None:
            name = "agent" if scenario else "scenario"
            raise Refused(f"{where}: {name} {row[name][:80]!r} is not one of {META}")
        for name, is_, asked in (
            ("config", row["config"], scenario["config"]),
            ("agent_hash", row["agent_hash"], agent),
        ):
            if is_ != asked:
                raise Refused(f"{where}: {name} is {is_[:40]!r}, in {META} it is {asked[:40]!r}")
    return meta, [row for _, row in rows]


def read_meta(folder: Path) -> Row:
    """What was asked. Raises Refused where genba bench did not write it."""
    meta: Row = read_json(folder / META)
    if objection := records.problem(meta, records.Meta):
        raise Refused(f"{folder / META}: not written by genba bench: {objection}")
    return meta


def read_json(path: Path) -> Any:
    """A JSON file; raises Refused where it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise Refused(f"{path}: not JSON") from None


def write_atomically(path: Path, data: bytes) -> None:
    """The whole file or none of it, whatever happens meanwhile."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def dump(path: Path, value: Any) -> None:
    """A value as indented JSON, atomically."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text.encode() + b"\n")


def write_episode(path: Path, value: Any) -> None:
    """An episode's details, packed; the same details give the same bytes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    write_atomically(path, gzip.compress(text, mtime=0))


def read_kept(path: Path) -> bytes | None:
    """What `episodes/` of a stranger's folder keeps under a name, or None where it is not there.

    Raises Refused where that is another file of ours by way of a link, or no file at all.
    """
    folder = path.parents[1]
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Refused(f"{path}: leads out of {folder}")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise Refused(f"{path}: not a file")
        if path.is_file() and path.stat().st_size > MOST:
            raise Refused(f"{path}: larger than {MOST} bytes")
        return path.read_bytes()
    except (OSError, RuntimeError):  # or a link to itself
        return None


def read_episode(path: Path) -> Row | None:
    """An episode's details, or None where they are not there (or not whole).

    Raises Refused as `read_kept`, and where they unpack to more than any episode writes.
    """
    data = read_kept(path)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data or b"")) as packed:
            text = packed.read(MOST + 1)
        if len(text) > MOST:
            raise Refused(f"{path}: unpacks to more than {MOST} bytes")
        found = json.loads(text)
    except Refused:
        raise
    except (OSError, ValueError, RecursionError, EOFError, zlib.error):
        return None
    return None if records.problem(found, records.Details) else found


def write_events(file: Any, events: Iterable[Event]) -> None:
    """One JSON line an event."""
    for event in events:
        file.write(json.dumps(event_row(event), ensure_ascii=False, allow_nan=False) + "\n")


def png(image: NDArray[np.uint8]) -> bytes:
    """An (h, w, 3) picture as PNG, without an imaging library (RFC 2083)."""
    height, width, _ = image.shape
    above = np.zeros_like(image)
    above[1:] = image[:-1]
    # filter 2 (up) packs rendered scenes to about half of what unfiltered rows take
    lines = np.concatenate(
        [np.full((height, 1), 2, np.uint8), (image - above).reshape(height, -1)], 1
    )

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
