"""What goes on around an episode that is played: its events are kept, its clock is shown."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genba.console import Refused


@contextmanager
def events_kept(env: Any, path: Path | None) -> Any:
    """Writes the events at the end, whatever the end is."""
    from genba.bench.results import write_events

    try:
        yield
    except KeyboardInterrupt:
        kept = f"the events so far are in {path}" if path is not None else ""
        raise KeyboardInterrupt(kept) from None
    finally:
        if path is not None:
            try:
                with path.open("w", encoding="utf-8") as file:
                    write_events(file, env.unwrapped.events)
            except OSError as error:
                raise Refused(f"{path}: cannot be written ({error.strerror})") from None


@contextmanager
def clock(scenario: Any) -> Any:
    """A bar of simulated time; yields the function that sets it. Only on a terminal."""
    from tqdm import tqdm

    seconds = scenario.seconds

    form = "{l_bar}{bar}| {n:.0f}/{total:.0f} s simulated, {remaining} left"
    with tqdm(total=seconds, disable=None, bar_format=form, leave=False) as bar:
        yield lambda now: bar.update(min(now, seconds) - bar.n)
