"""What a terminal sees: tables, JSON, and a standard output that nothing else writes to."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

LEAST = 1e-6  # a figure below it is written as a power of ten after all
MIN_FREE = 20 * 1024 * 1024  # bytes that must be free before long work starts


class Refused(ValueError):
    """Something asked for that cannot be done: one line, exit code 2."""


@contextmanager
def own_stdout() -> Iterator[TextIO]:
    """The real standard output, while everybody else's goes to standard error.

    PyBullet writes to file descriptor 1, so that descriptor itself is bent, not `sys.stdout`.
    """
    kept = os.dup(1)
    sys.stdout.flush()
    try:
        os.dup2(2, 1)
        with os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="replace") as out:
            yield out
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def clean(value: object) -> str:
    """A text in one line, without what a terminal would obey: a stranger may have written it."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(str(value).split()))


def import_physics() -> None:
    """Imports PyBullet without its greeting, which would spoil a one-line error."""
    if "pybullet" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        import pybullet  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def need(module: str, extra: str) -> None:
    """Raises Refused with the command to install when an optional package is missing."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise Refused(f'{module} is not installed: pip install "genba[{extra}]"')


def check_file(path: Path | None) -> None:
    """Raises Refused, before any work, when `path` cannot be written; leaves no empty file."""
    if path is None or str(path) == "-":
        return
    try:
        new = not path.exists()
        with path.open("a"):
            pass
        if new:
            path.unlink()
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror})") from None


def check_files(*outputs: Path | None, beside: Iterable[Path | None] = ()) -> None:
    """`check_file` for all that one command writes; Refused too where two names are one file.

    `beside`: what it reads, which no output may replace: an audit log, say.
    """
    known = [path for path in beside if path is not None]
    for path in outputs:
        if path is None or str(path) == "-":
            continue
        if any(_same(path, other) for other in known):
            raise Refused(f"{path}: named twice, and one would overwrite the other")
        known.append(path)
    for path in outputs:
        check_file(path)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) and not one.is_char_device()  # /dev/null takes everything
    except OSError:  # one of them is not there yet
        return os.path.realpath(one) == os.path.realpath(other)


def check_folder(path: Path) -> None:
    """Makes the folder; raises Refused when it cannot be made, written to, or the disk is full."""
    probe = path / f".probe-{os.getpid()}"
    with tidied(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            try:
                probe.write_bytes(b"x" * 4096)
            finally:
                probe.unlink(missing_ok=True)
            free = shutil.disk_usage(path).free
        except OSError as error:
            raise Refused(f"{path}: cannot be written ({error.strerror})") from None
        if free < MIN_FREE:
            raise Refused(f"{path}: the disk is full ({free // 1024 // 1024} MB free)")


@contextmanager
def tidied(*paths: Path | None) -> Iterator[None]:
    """Where its work fails, takes away what that has newly made and could not fill: empty files
    and empty folders. What was there before stays, and so does whatever holds something.
    """
    named = [path for path in paths if path is not None]
    new = [p for path in named for p in (path, *path.parents) if not os.path.lexists(p)]
    try:
        yield
    except Exception:  # whatever it was, it is raised again
        for path in new:  # a folder comes before the one that it is in
            with suppress(OSError, ValueError):
                if path.is_dir():
                    path.rmdir()
                elif path.stat().st_size == 0:
                    path.unlink()
        raise


def write_json(value: Any, path: Path | None, out: TextIO) -> None:
    """JSON to a file, or to `out` where the path is `-`; nothing where it is None."""
    if path is None:
        return
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if str(path) == "-":
        out.write(text)
        out.flush()
        return
    new = not os.path.lexists(path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        if new:  # half of it would be no JSON
            with suppress(OSError):
                path.unlink()
        raise Refused(f"{path}: cannot be written ({error.strerror})") from None


@contextmanager
def json_last(value: Any, path: Path | None, out: TextIO) -> Iterator[bool]:
    """`write_json` after what is told to people, so that neither is lost where the other fails.

    Yields whether standard output takes that: where the path is `-`, it takes nothing but the JSON.
    """
    try:
        yield str(path) != "-"
    finally:
        write_json(value, path, out)


def show_table(
    out: TextIO, title: str, header: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 1
) -> None:
    """A table; the columns from `numbers` on are set to the right. Cells are plain text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def _text(cell: str) -> Text:
        return Text("\n".join(map(clean, cell.split("\n"))))

    table = Table(title=_text(title) if title else None, title_justify="left", title_style="bold")
    for i, name in enumerate(header):
        table.add_column(_text(name), justify="right" if i >= numbers else "left")
    for row in rows:
        table.add_row(*map(_text, row))
    # a pipe or a file has no width: rather a long line than half a number
    width = shutil.get_terminal_size().columns if out.isatty() else 160
    text = io.StringIO()
    Console(file=text, width=width, force_terminal=out.isatty(), highlight=False).print(table)
    out.write(text.getvalue())


def number(value: float | None, digits: int = 3) -> str:
    """A figure for people to read; a dash where it is undefined."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    short = f"{value:.{digits}g}" if abs(value) >= 1 else f"{value:.{digits}f}".rstrip("0")
    if short not in ("0.", "-0."):
        return short
    # one figure that counts, written out: nobody reads 8e-05 on a shop floor
    short = f"{value:.1g}"
    return f"{Decimal(short):f}" if abs(value) >= LEAST else short
