"""What may be typed behind an option, read and checked."""

from __future__ import annotations

import argparse
from pathlib import Path

DIGITS = 100  # no number here has more, and Python refuses to read thousands


def count(text: str) -> int:
    """A whole number from 1. Raises ArgumentTypeError."""
    value = _whole(text)
    if not 1 <= value <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return value


def natural(text: str) -> int:
    """A whole number from 0. Raises ArgumentTypeError."""
    value = _whole(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2147483647")
    return value


def duration(text: str) -> float:
    """Seconds, up to a week. Raises ArgumentTypeError."""
    value = _number(text)
    if not 1.0 <= value <= 7 * 24 * 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 604800")
    return value


def hours(text: str) -> float:
    """Hours, up to a year. Raises ArgumentTypeError."""
    value = _number(text)
    if not 0.0 < value <= 8784.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours above 0, up to 8784")
    return value


def path(text: str) -> Path:
    """A path; `Path("")` would be the folder we are in. Raises ArgumentTypeError."""
    if not text:
        raise argparse.ArgumentTypeError("an empty path; name a file or a folder")
    return Path(text)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else -1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
