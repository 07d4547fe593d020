"""What may be typed behind an option, read and checked."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """A whole number from 1. Raises ArgumentTypeError."""
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= value <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return value


def natural(text: str) -> int:
    """A whole number from 0. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2147483647")
    return int(text)


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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
