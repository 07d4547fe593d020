"""A film of an episode, as MP4 or GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genba.console import Refused, check_file, need

RATE = 20.0  # Hz, of the control steps
SUFFIXES = (".mp4", ".gif")


class Film:
    """Takes every n-th picture of a cell and writes it at once, so that an interrupt loses none."""

    def __init__(self, path: Path, every: int = 2) -> None:
        """Raises Refused for an unknown kind of file or where imageio is not installed."""
        if path.suffix.lower() not in SUFFIXES:
            raise Refused(f"{path}: a video is one of {', '.join(SUFFIXES)}")
        need("imageio", "video")
        if path.suffix.lower() == ".mp4":
            need("imageio_ffmpeg", "video")
        check_file(path)
        import imageio

        self.path, self.every = path, every
        self.steps = 0
        options: dict[str, Any] = {"duration": 1000.0 * every / RATE, "loop": 0}
        if path.suffix.lower() == ".mp4":
            options = {"fps": RATE / every, "codec": "libx264", "macro_block_size": 2, "quality": 7}
        self.writer: Any = imageio.get_writer(path, **options)

    def take(self, env: Any) -> None:
        """Call it after every step."""
        if self.steps % self.every == 0:
            try:
                self.writer.append_data(env.render())
            except OSError as error:
                raise self._unwritten(error) from None
        self.steps += 1

    def __enter__(self) -> Film:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.writer.close()
        except OSError as error:
            inner = getattr(self.writer, "instance", self.writer)
            inner.close = lambda: None  # its finaliser would try again, and complain
            if kind is None:
                raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> Refused:
        """The program that makes it says at most that a pipe broke: most often a full disk."""
        why = error.strerror or "is the disk full?"
        return Refused(f"{self.path}: cannot be written ({why})")
