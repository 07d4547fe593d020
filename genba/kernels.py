"""Where compiled kernels are kept, and when they are forgotten."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOMS = "sim", "safety", "envs", "agents"
COMPILED = ".nbi", ".nbc"


def prepare() -> None:
    """Before any kernel is loaded."""
    if "NUMBA_CACHE_DIR" in os.environ:  # somebody sees to it
        return
    if os.access(HERE, os.W_OK):
        forget_stale(HERE)
    else:
        keep_elsewhere()


def keep_elsewhere() -> None:
    """Somewhere to keep compiled kernels where neither package nor home can be written: Numba
    refuses to start otherwise. What it reads back is run, so nobody else may write there.
    """
    with suppress(OSError, RuntimeError):  # a home that cannot be made, or none at all
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        home.mkdir(parents=True, exist_ok=True)
        if os.access(home, os.W_OK):
            return
    folder = Path(tempfile.gettempdir(), f"genba-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not own or found.st_mode & 0o077:
        folder = Path(tempfile.mkdtemp(prefix="genba-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def forget_stale(package: Path) -> None:
    """Drop what was compiled before any of the sources changed.

    Numba looks at the file of a kernel alone. Kernels and constants that it takes in from other
    files are compiled into it: after an update a rule would go on with the numbers of before.
    """
    stamp = package / "__pycache__" / "kernels"
    with suppress(OSError):  # a disk that is full: what is stale is forgotten the next time
        now = _sources(package)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != now:
            for room in ROOMS:
                for file in (package / room).rglob("__pycache__/*"):
                    if file.suffix in COMPILED:
                        file.unlink(missing_ok=True)
            stamp.parent.mkdir(exist_ok=True)
            new = stamp.with_name(f"kernels.{os.getpid()}")
            new.write_text(now, encoding="utf-8")
            new.replace(stamp)


def _sources(package: Path) -> str:
    """Every file that a kernel may take something in from, by time and size."""
    lines = []
    for room in ROOMS:
        for file in sorted((package / room).rglob("*.py")):
            if room in ROOMS[:2] or b"njit" in (text := file.read_bytes()) or b"kernel" in text:
                found = file.stat()
                lines.append(f"{file.relative_to(package)} {found.st_mtime_ns} {found.st_size}")
    return "\n".join(lines)
