"""Genba: factory robot cells, a safety layer, and scores of productivity and human intervention.

Nothing here is a certified safety function.
"""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

__version__ = "0.1.0"


def _compiled_folder() -> None:
    """Somewhere to keep compiled kernels where neither package nor home can be written: Numba
    refuses to start otherwise. What it reads back is run, so nobody else may write there.
    """
    if "NUMBA_CACHE_DIR" in os.environ or os.access(Path(__file__).resolve().parent, os.W_OK):
        return
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


_compiled_folder()
