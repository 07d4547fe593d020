"""How a run is judged: events in, figures out, and nothing else comes in.

`kpis` gives the figures of one episode. `tally` and `figures` are its two halves: tallies can be
kept, added over episodes and read again, so anyone can recompute a published number.
"""

from __future__ import annotations

from collections.abc import Sequence

from genba.kpi.figure import Figure
from genba.kpi.figures import FIGURES, figures, queue_availability
from genba.kpi.tally import Tally, add, causes, tally
from genba.sim.state import REGIONS, Event

__all__ = [
    "FIGURES", "Figure", "Tally", "add", "causes", "energy_ratio_by_region", "figures",
    "force_ratio_by_region", "kpis", "pool", "queue_availability", "safety_cost", "tally",
]  # fmt: skip


def kpis(events: Sequence[Event], seconds: float) -> dict[str, float | None]:
    """The figures of one episode of `seconds` (or until its episode_end), in FIGURES' order.

    An undefined figure is None. Raises ValueError, one line, for events out of order or not as
    docs/events.md has them.
    """
    return figures(tally(events, seconds))


def pool(episodes: Sequence[tuple[Sequence[Event], float]]) -> dict[str, float | None]:
    """The figures of several episodes, each its events and its seconds, taken as one long run."""
    return figures(add([tally(events, seconds) for events, seconds in episodes]))


def force_ratio_by_region(tally: Tally) -> dict[str, float]:
    """Greatest F/F_limit of each body region that was touched, in the order of `REGIONS`."""
    return _by_region(tally, "force_ratio")


def energy_ratio_by_region(tally: Tally) -> dict[str, float]:
    """Greatest E/E_limit of each body region that was touched, in the order of `REGIONS`."""
    return _by_region(tally, "energy_ratio")


def _by_region(tally: Tally, ratio: str) -> dict[str, float]:
    keys = {region: f"{ratio}.{region}" for region in REGIONS}
    return {region: tally["highs"][key] for region, key in keys.items() if key in tally["highs"]}


def safety_cost(shared: Tally, alone: Tally) -> float | None:
    """1 - good parts/h among people with the layer on, over good parts/h with nobody around.

    docs/standards.md section 7. It compares two scenarios, so it is no figure of one episode.
    """
    among, by_itself = (figures(t)["good_parts_per_hour"] for t in (shared, alone))
    return None if among is None or not by_itself else 1.0 - among / by_itself
