"""The command line: what a person types, and what a person is told when it cannot be done."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from genba.arguments import count as _count
from genba.arguments import duration as _duration
from genba.arguments import natural as _natural
from genba.arguments import path as _path
from genba.audit.parser import add_options, fill
from genba.console import clean

CATALOGUES = (
    "cells", "scenarios", "suites", "agents", "robots", "profiles", "rules", "faults", "figures",
)  # fmt: skip
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
LONG = r"(\S{20})\S{60,}(\S)"  # a word that is typed by no hand


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other mistake is answered."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.register("type", Path, _path)  # of every option that takes one, wherever it is told

    def error(self, message: str) -> NoReturn:
        line = re.sub(LONG, r"\1...\2", clean(message))
        self.exit(BAD_INPUT, f"{self.prog}: {line} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, 2 bad input, 1 something failed, 130 Ctrl-C."""
    _open_streams()
    options = _parser().parse_args(argv)
    from genba import commands
    from genba.console import own_stdout, tidied

    try:
        files = commands.written(options)
        with _told_to_end(), own_stdout() as out, tidied(*files):
            code = commands.COMMANDS[options.command](options, out)
            out.flush()
            return code
    except KeyboardInterrupt as interrupt:
        return _complain(f"interrupted{_saying(interrupt)}", INTERRUPTED)
    except BrokenPipeError:
        # whoever read us has gone (`genba list figures | head`); Python must not say so at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ValueError as error:
        if not commands.is_bad_input(error):
            raise
        return _complain(str(error), BAD_INPUT)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", BAD_INPUT)
    except ModuleNotFoundError as error:
        return _complain(commands.missing_extra(error), BAD_INPUT)
    except commands.Failure as failure:
        return _complain(str(failure), FAILED)


def _open_streams() -> None:
    """Whoever starts us without a standard stream (`2>&-`) gets one that leads nowhere, or the next
    file opened would take its number, and every warning."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the first free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: what there is, is kept."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _complain(line: str, code: int) -> int:
    print(f"genba: {clean(line)}", file=sys.stderr)
    return code


def _saying(interrupt: BaseException) -> str:
    return f"; {interrupt}" if str(interrupt) else ""


def _parser() -> _Parser:
    from genba import __version__

    parser = _Parser(
        prog="genba",
        description="Robot cells of a factory, a safety layer, and scores of output and of human "
        "intervention. Nothing here is a certified safety function.",
    )
    parser.add_argument("--version", action="version", version=f"genba {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _list(_command(commands, "list", "what there is", "genba list scenarios"))
    _run(
        _command(
            commands, "run", "play one episode",
            "genba run kitting_shared --agent scripted --seed 3 --video kitting.mp4",
        )
    )  # fmt: skip
    _train(
        _command(
            commands,
            "train",
            "train an agent",
            "genba train kitting_alone --algo bc --out runs/mine",
        )
    )
    _bench(
        _command(
            commands, "bench", "score agents on a suite",
            "genba bench quick --agent scripted --agent random --workers 2 --out runs/first",
        )
    )  # fmt: skip
    report = _command(
        commands, "report", "write the report of a benchmark again", "genba report runs/first"
    )
    report.add_argument("folder", metavar="DIR", type=Path, help="what genba bench wrote")
    report.add_argument("--lang", choices=("en", "ja"), default="en", help="language (default en)")
    report.add_argument(
        "--check", action="store_true",
        help="write nothing; compute every figure from the events again, and compare",
    )  # fmt: skip
    speed = _command(commands, "speed", "where a step's time goes", "genba speed kitting_shared")
    speed.add_argument("scenario", metavar="SCENARIO", nargs="*", help="default: kitting_shared")
    speed.add_argument(
        "--steps", type=_count, default=100, help="control steps a block (default 100)"
    )
    _set(speed)
    _json(speed)
    fill(
        _command(commands, "audit", "check and read an audit log", "genba audit verify cell.audit")
    )
    from genba.trial import options as trial

    trial.add(_command(commands, "trial", "try the safety layer with adversaries", trial.EXAMPLE))
    return parser


def _command(commands: Any, name: str, text: str, example: str) -> _Parser:
    parser: _Parser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".",
        epilog=f"example: {example}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    return parser


def _list(parser: _Parser) -> None:
    parser.add_argument("what", choices=CATALOGUES)
    _json(parser)


def _run(parser: _Parser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a name, or a YAML file")
    parser.add_argument(
        "--agent", default="scripted", help="a name, file or folder (default scripted)"
    )
    parser.add_argument("--seed", type=_natural, default=0, help="default 0")
    parser.add_argument(
        "--seconds", type=_duration, metavar="T", help="simulated, default the scenario's"
    )
    _set(parser)
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write the events, a JSON line each"
    )
    parser.add_argument("--video", type=Path, metavar="FILE", help="write a film (.mp4 or .gif)")
    add_options(parser)
    _json(parser)


def _train(parser: _Parser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a name, or a YAML file")
    parser.add_argument("--algo", choices=("bc", "ppo", "sac"), help="default bc")
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="settings of the training, YAML"
    )
    parser.add_argument(
        "--steps", type=_count, metavar="N", help="control steps, default the recipe's"
    )
    parser.add_argument("--seed", type=_natural, default=0, help="default 0")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default runs/train-SCENARIO-ALGO")
    parser.add_argument("--from", metavar="DIR", type=Path, help="a trained policy to begin from")
    parser.add_argument("--resume", action="store_true", help="go on where DIR stopped")
    _set(parser)


def _bench(parser: _Parser) -> None:
    parser.add_argument(
        "suite", metavar="SUITE", help="a name, or a YAML file; or a scenario, alone in its suite"
    )
    parser.add_argument(
        "--agent", action="append", metavar="A",
        help="a name, file or folder; may be given again (default: every agent that ships and can "
        "play)",
    )  # fmt: skip
    parser.add_argument("--episodes", type=_count, metavar="N", help="default the suite's")
    parser.add_argument("--seed", type=_natural, metavar="S", help="the first, default the suite's")
    parser.add_argument(
        "--seconds", type=_duration, metavar="T", help="an episode, default the suite's"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: one a core)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default runs/SUITE-DATE")
    parser.add_argument(
        "--resume", action="store_true", help="play only what DIR does not hold yet"
    )
    parser.add_argument(
        "--lang", choices=("en", "ja"), default="en", help="of the report (default en)"
    )
    add_options(parser)
    _set(parser)
    _json(parser)


def _set(parser: _Parser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change the scenario: people.visits_per_hour=30, safety={}; may be given again",
    )  # fmt: skip


def _json(parser: _Parser) -> None:
    parser.add_argument(
        "--json", type=Path, metavar="FILE",
        help="write the result as JSON; - is standard output, and then nothing else goes there",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
