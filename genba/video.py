"""A film of an episode, as MP4 or GIF."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.console import Refused, check_file, need

RATE = 10  # pictures a second of the cell's own time
SUFFIXES = (".mp4", ".gif")
MARGIN, LETTERS = 8, 20  # pixels, of the clock

Picture = NDArray[np.uint8]


class Film:
    """Takes pictures of a cell and writes them at once, so that an interrupt loses none.

    A second of film is a second of the cell, whatever its steps are: one in which the robot is
    locked out takes up to a second, and its picture is shown as long.
    """

    def __init__(self, path: Path) -> None:
        """Raises Refused for an unknown kind of file or where imageio is not installed."""
        if path.suffix.lower() not in SUFFIXES:
            raise Refused(f"{path}: a video is one of {', '.join(SUFFIXES)}")
        need("imageio", "video")
        if path.suffix.lower() == ".mp4":
            need("imageio_ffmpeg", "video")
        check_file(path)
        import imageio

        self.path = path
        self.taken = 0
        options: dict[str, Any] = {"duration": 1000.0 / RATE, "loop": 0}
        if path.suffix.lower() == ".mp4":
            options = {"fps": RATE, "codec": "libx264", "macro_block_size": 2, "quality": 7}
            options["ffmpeg_log_level"] = "quiet"  # it would say in five lines what we say in one
        self._new = not os.path.lexists(path)
        self.writer: Any = imageio.get_writer(path, **options)

    def take(self, env: Any, now: float) -> None:
        """Call it after every step, with the cell's time (s): the film goes on up to there."""
        due = int(now * RATE + 1e-6)  # a sum of ticks may fall a hair short
        if due <= self.taken:
            return
        picture = env.render()
        while self.taken < due:
            self.taken += 1
            try:
                self.writer.append_data(with_clock(picture, self.taken / RATE))
            except OSError as error:
                raise self._unwritten(error) from None

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
        else:  # of its last bytes, ffmpeg tells nobody that they found no room
            film = self.path.suffix.lower() == ".mp4" and self.path.is_file()  # and no device
            if kind is None and film and not has_index(self.path):
                raise self._unwritten(OSError())

    def _unwritten(self, error: OSError) -> Refused:
        """The program that makes it says at most that a pipe broke: most often a full disk."""
        why = error.strerror or "is the disk full?"
        if self._new and self.path.suffix.lower() == ".mp4":  # without its index nothing plays it
            self.path.unlink(missing_ok=True)
        return Refused(f"{self.path}: cannot be written ({why})")


def has_index(path: Path) -> bool:
    """Whether an MP4 is whole: its index, the box `moov`, is written last."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while len(head := file.read(16)) == 16:
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:  # too great for four bytes
                length = int.from_bytes(head[8:], "big")
            if length < 8:  # not filled in: it was cut off here
                return False
            at += length
            if kind == b"moov":
                return at <= size
            file.seek(at)
    return False


def with_clock(picture: Picture, seconds: float) -> Picture:
    """The picture with the cell's time in its corner."""
    from PIL import Image, ImageDraw, ImageFont  # imageio brings it

    font: Any
    try:
        font = ImageFont.load_default(LETTERS)
    except (TypeError, ImportError):  # a Pillow that has but one size
        font = ImageFont.load_default()
    image = Image.fromarray(picture)
    brush = ImageDraw.Draw(image)
    text, at = f"{seconds:.1f} s", (2 * MARGIN, 2 * MARGIN)
    left, top, right, bottom = brush.textbbox(at, text, font=font)
    box = (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)
    brush.rectangle(box, fill=(28, 33, 38))
    brush.text(at, text, fill=(255, 255, 255), font=font)
    return np.asarray(image, dtype=np.uint8)
