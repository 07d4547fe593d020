"""What a trial says: events and exact bounds a profile, the faults' levels, the price of safety."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from genba import kpi, stats
from genba.bench.results import Row
from genba.safety import PROFILES, read_config, untouched
from genba.sim.state import REGIONS
from genba.stats.exact import rate_upper
from genba.trial.plan import UNPROTECTED

HUNDREDS = 200  # breaches that adversaries must cause where nothing protects
OUTPUT, AMONG = "good_parts_per_hour", "good_parts_per_hour_shared"
ORDER = ("unprotected", "pfl", "ssm_reach", "ssm_iso")  # the output that is expected to fall
Tallies = dict[int, Any]  # by seed
LEAST = ("fence", "stop_always")  # below all of them, in whatever order
SUMS = (
    "hours", "judged_hours", "present_hours", "moving_hours", "ticks", "breaches", "contacts",
    "contacts_moving", "over_limit", "clampings", "breaches_beyond", "contacts_moving_beyond",
    "over_limit_beyond",
)  # fmt: skip
COUNTS = ("gentle", "gentle_beyond", "stops", "latches", "rules")  # by name


@cache
def forbidden(profile: str) -> tuple[str, ...]:
    """The regions of the body that a profile lets no robot in motion touch, however gently."""
    regions = untouched(read_config(profile))
    return tuple(region for region in REGIONS if region in regions)


def gentle(profile: str) -> bool:
    """Whether a profile lets a robot in motion touch people within the limits."""
    return "pfl" in PROFILES[profile]


def criterion(profile: str) -> str:
    """What counts as a failure of a profile, in words."""
    if profile == UNPROTECTED:
        return "none: nothing protects"
    if gentle(profile):
        spared = ", ".join(name.replace("_", " ") for name in forbidden(profile))
        return f"contacts above the limit of force or energy, and a moving robot's with {spared}"
    return "breaches of the separation and contacts with a moving robot"


def failures(row: Row, which: str = "") -> int:
    """Events of a row that its profile must not let happen.

    With `_beyond` those of them that befell people faster than the model's bound.
    """
    if row["profile"] == UNPROTECTED:
        return 0
    found = int(row["over_limit" + which]) + touches(row, which)
    return found if gentle(row["profile"]) else found + int(row["breaches" + which])


def touches(row: Row, which: str = "") -> int:
    """Contacts within the limits with what a moving robot must not touch; `_beyond` as above."""
    if row["profile"] == UNPROTECTED:
        return 0
    if not gentle(row["profile"]):
        return int(row["contacts_moving" + which] - row["over_limit" + which])
    return sum(row["gentle" + which].get(region, 0) for region in forbidden(row["profile"]))


def pooled(rows: Sequence[Row]) -> Row:
    """Exposure, events and the exact one-sided 95 % bound per hour of rows of one profile.

    The bound is of failures per hour of exposure: somebody in the cell, the robot not locked out.
    """
    found: Row = {key: sum(row[key] for row in rows) for key in SUMS}
    found["episodes"] = len(rows)
    found["forbidden"] = sum(touches(row) for row in rows)
    found["failures"] = sum(failures(row) for row in rows)
    found["failures_beyond"] = sum(failures(row, "_beyond") for row in rows)
    present = found["present_hours"]
    found["rate_upper"] = rate_upper(found["failures"], present) if present > 0.0 else None
    found["worst_ratio"] = max((row["worst_ratio"] for row in rows), default=0.0)
    margins = [row["worst_margin"] for row in rows if row["worst_margin"] is not None]
    found["worst_margin"] = min(margins, default=None)
    for key in COUNTS:
        count: Counter[str] = Counter()
        for row in rows:
            count.update(row[key])
        found[key] = dict(count.most_common())
    return found


def groups(rows: Sequence[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some of their keys, in the order in which they come."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def by_profile(rows: Sequence[Row]) -> list[Row]:
    """One row a profile, with the same by adversary and by cell."""
    out = []
    for (profile,), mine in groups(rows, "profile").items():
        parts = {
            "by_adversary": groups(mine, "agent", "action"),
            "by_cell": groups(mine, "cell", "robot"),
        }
        split = {
            name: [{"name": " ".join(key), **pooled(some)} for key, some in part.items()]
            for name, part in parts.items()
        }
        out.append({"name": profile, "criterion": criterion(profile), **pooled(mine), **split})
    return out


def by_fault(rows: Sequence[Row]) -> list[Row]:
    """One row a profile, fault and level."""
    return [
        {"name": f"{profile} {fault} {level:g}", "profile": profile, "fault": fault,
         "level": level, **pooled(some)}
        for (profile, fault, level), some in groups(rows, "profile", "fault", "level").items()
    ]  # fmt: skip


def findings(rows: Sequence[Row]) -> list[Row]:
    """Every episode in which a profile failed: what it takes to play it again, and the events."""
    keys = ("part", "profile", "fault", "level", "scenario", "agent", "action", "seed", "harm")
    return [{key: row[key] for key in keys} for row in rows if failures(row)]


def worth(rows: Sequence[Row]) -> tuple[bool, int]:
    """Whether the adversaries do harm where nothing protects, and how many breaches they caused."""
    breaches = sum(row["breaches"] for row in rows if row["profile"] == UNPROTECTED)
    return breaches >= HUNDREDS, breaches


def output(rows: Sequence[Row]) -> list[Row]:
    """Good parts an hour of each scenario and profile, and the share of the unprotected output."""
    out = []
    for (scenario,), some in groups(rows, "scenario").items():
        base = _tallies(some, UNPROTECTED)
        for (profile,), mine in groups(some, "profile").items():
            tallies = [*_tallies(mine, profile).values()]
            row = {
                "name": f"{scenario} {profile}", "scenario": scenario, "profile": profile,
                "episodes": len(mine),
                **{name: _triple(stats.interval(tallies, name)) for name in (OUTPUT, AMONG)},
                **_running(kpi.add(tallies)),
                "breaches": sum(r["breaches"] for r in mine),
                "contacts_moving": sum(r["contacts_moving"] for r in mine),
                "over_limit": sum(r["over_limit"] for r in mine),
            }  # fmt: skip
            if pairs := _pairs(_tallies(mine, profile), base):
                row["paired"] = len(pairs[0])
                row["of_unprotected"] = _triple(stats.paired_ratio(*pairs, OUTPUT))
            out.append(row)
    return out


def _running(pooled: kpi.Tally) -> Row:
    """What explains the output: the share of the time with a visitor in the cell, interventions,
    down time, and what happens while it is not down: the output, and the shares of that time in
    which rules hold the robot or slow it.
    """
    sums, figures = pooled["sums"], kpi.figures(pooled)
    up = sums["pbt"] - sums["adot"]
    return {
        "shared_share": sums["shared"] / sums["pbt"] if sums["pbt"] > 0.0 else None,
        "interventions_per_hour": figures["interventions_per_hour"],
        "adot_share": figures["adot_share"],
        "good_parts_per_hour_up": 3600.0 * sums["good"] / up if up > 0.0 else None,
        "standstill_share": sums["state.standstill"] / up if up > 0.0 else None,
        "slowed_share": sums["state.slowed"] / up if up > 0.0 else None,
    }


def comparisons(rows: Sequence[Row]) -> list[Row]:
    """Neighbours of the expected order, paired by seed: their ratio, and whether that holds.

    It holds where the interval of the ratio does not lie below 1; None where there is none. The
    same ratio while people are there is told beside it.
    """
    out = []
    for (scenario,), some in groups(rows, "scenario").items():
        there = [name for name in ORDER if _tallies(some, name)]
        order = [*zip(there, there[1:], strict=False)]
        order += [(there[-1], name) for name in LEAST if there and _tallies(some, name)]
        for more, less in order:
            pairs = _pairs(_tallies(some, more), _tallies(some, less))
            if not pairs:
                continue
            ratio = _triple(stats.paired_ratio(*pairs, OUTPUT))
            holds = None if ratio[2] is None else ratio[2] >= 1.0
            out.append({
                "name": f"{scenario}: {more} >= {less}", "scenario": scenario, "more": more,
                "less": less, "ratio": ratio, "holds": holds, "paired": len(pairs[0]),
                "ratio_shared": _triple(stats.paired_ratio(*pairs, AMONG)),
            })  # fmt: skip
    return out


def _tallies(rows: Sequence[Row], profile: str) -> Tallies:
    """By seed, in its order."""
    found = {int(row["seed"]): row["tally"] for row in rows if row["profile"] == profile}
    return dict(sorted(found.items()))


def _pairs(ours: Tallies, theirs: Tallies) -> tuple[list[Any], list[Any]] | None:
    """Tallies of the same people and parts: of a seed that failed once, neither. None: no pair."""
    both = [seed for seed in ours if seed in theirs]
    return ([ours[s] for s in both], [theirs[s] for s in both]) if both else None


def _triple(found: stats.Interval) -> list[float | None]:
    return [found.value, found.low, found.high]
