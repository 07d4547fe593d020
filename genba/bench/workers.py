"""Work spread over spawned processes, where one that dies takes nothing else with it.

The standard pool gives everything up when a worker is killed; here its job is tried once more on a
new worker, and a second death is a result like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")

# one thread each: workers that all start a thread a core run many times slower
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Done(Generic[Job]):
    """A job that ended: with a value, or with one line on what went wrong."""

    job: Job
    value: Any = None
    error: str | None = None


@dataclass(slots=True)
class _Seat(Generic[Job]):
    process: Any
    pipe: Connection
    job: Job | None = None
    tries: int = 0


def spread(
    work: Callable[[Job], Any], jobs: Sequence[Job], workers: int
) -> Generator[Done[Job], None, None]:
    """Results in the order in which they are ready. `work` must live in the package, not a script.

    Closing the iterator (or an interrupt) ends the workers at once.
    """
    todo = deque((job, 0) for job in jobs)
    seats: list[_Seat[Job]] = []
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # spawned processes inherit it
    try:
        seats = [_seat(work) for _ in range(min(workers, len(todo)))]
        while todo or any(seat.job is not None for seat in seats):
            for i, seat in enumerate(seats):
                if seat.job is None and todo:
                    seats[i] = _hand_over(seat, *todo.popleft(), work)
            busy = {seat.pipe: seat for seat in seats if seat.job is not None}
            for pipe in wait(list(busy)):
                done = _collect(busy[pipe], todo)  # type: ignore[index]
                if done is not None:
                    yield done
    finally:
        for seat in seats:
            seat.process.kill()
            seat.process.join()
            seat.pipe.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _seat(work: Callable[[Job], Any]) -> _Seat[Job]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()  # else a dead worker's end stays open here and its death is never seen
    return _Seat(process, ours)


def _hand_over(seat: _Seat[Job], job: Job, tries: int, work: Callable[[Job], Any]) -> _Seat[Job]:
    if not seat.process.is_alive():
        seat.process.join()
        seat.pipe.close()
        seat = _seat(work)
    seat.job, seat.tries = job, tries
    try:
        seat.pipe.send(job)
    except OSError:
        pass  # it died this instant: its end of the pipe says so in a moment
    return seat


def _collect(seat: _Seat[Job], todo: deque[tuple[Job, int]]) -> Done[Job] | None:
    job, tries = seat.job, seat.tries
    assert job is not None
    seat.job = None
    try:
        value, error = seat.pipe.recv()
    except (EOFError, OSError):
        seat.process.join()
        if tries == 0:
            todo.appendleft((job, 1))
            return None
        return Done(job, error=f"the worker died twice (exit code {seat.process.exitcode})")
    return Done(job, value, error)


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """A worker's life. The parent alone answers Ctrl-C; a worker whose parent dies, dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            answer: tuple[Any, str | None] = (work(job), None)
        except Exception as error:
            text = " ".join(str(error).split())
            answer = (None, f"{type(error).__name__}: {text}"[:300])
        pipe.send(answer)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
