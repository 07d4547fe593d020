"""What may be typed behind `genba trial`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from genba.arguments import count, hours, natural

PARTS = ("adversaries", "broken", "cost")
EXAMPLE = "genba trial --hours 3 --seed 0 --out runs/trial --json trial.json"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `genba trial`."""
    parser.add_argument(
        "--hours", type=hours, default=3.0, metavar="H",
        help="simulated, of each profile (default 3; of each level of a fault a tenth of it)",
    )  # fmt: skip
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="default 0")
    parser.add_argument(
        "--part", action="append", choices=PARTS,
        help="adversaries at the robot and among people, assumptions broken on purpose, what "
        "safety costs; may be given again (default adversaries)",
    )  # fmt: skip
    parser.add_argument(
        "--profile", action="append", metavar="P",
        help="a profile of rules; may be given again (default those that are to protect)",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change the scenarios of `--part cost`, as people.visits_per_hour=30; may be given "
        "again",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=count, default=os.cpu_count() or 1, metavar="N",
        help="processes (default: one a core)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="default runs/trial-DATE")
    parser.add_argument(
        "--resume", action="store_true", help="play only what DIR does not hold yet"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE",
        help="write the result as JSON; - is standard output, and then nothing else goes there",
    )  # fmt: skip
