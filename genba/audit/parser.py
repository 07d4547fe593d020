"""What `genba audit` and `--audit` take; loads nothing heavy, since every command passes here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

VERIFY = "genba audit verify cell.audit --key cell.key.pub --replay"
EXPLAIN = "genba audit explain cell.audit --event 5 --svg stop.svg"
KEYGEN = "genba audit keygen cell.key"


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--audit` of the commands that play."""
    parser.add_argument(
        "--audit", type=Path, metavar="FILE",
        help="write what the safety layer does into an audit log, see docs/audit.md",
    )  # fmt: skip
    parser.add_argument(
        "--audit-key", type=Path, metavar="KEY", help="private key that signs the audit log"
    )


def fill(parser: argparse.ArgumentParser) -> None:
    """`genba audit` and what it can do."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = _action(actions, "verify", "find changed, missing or moved lines", VERIFY)
    verify.add_argument("file", metavar="FILE", type=Path, help="an audit log")
    verify.add_argument("--key", type=Path, metavar="PUBLIC", help="key the seal must be signed by")
    verify.add_argument(
        "--replay", action="store_true", help="ask the rules again and compare the answers"
    )
    verify.add_argument(
        "--json", type=Path, metavar="FILE", help="write the result as JSON; - is standard output"
    )
    explain = _action(actions, "explain", "say why the robot was stopped", EXPLAIN)
    explain.add_argument("file", metavar="FILE", type=Path, help="an audit log")
    explain.add_argument(
        "--event", type=_number, metavar="N", help="number of an entry; without it, a list of all"
    )
    explain.add_argument("--svg", type=Path, metavar="FILE", help="write the drawing as SVG too")
    explain.add_argument("--lang", choices=("en", "ja"), default="en", help="language (default en)")
    keygen = _action(actions, "keygen", "make a pair of keys for --audit-key", KEYGEN)
    keygen.add_argument("file", metavar="FILE", type=Path, help="the private key; FILE.pub too")


def _action(actions: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    out: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".",
        epilog=f"example: {example}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    return out


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of an entry")
    return int(text)
