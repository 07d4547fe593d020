"""A film: a second of it is a second of the cell, and it says which."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest

from genba.console import Refused
from genba.video import RATE, Film, has_index, with_clock


class Cell:
    """Counts how often it is drawn."""

    drawn = 0

    def render(self):
        self.drawn += 1
        return np.full((48, 96, 3), 10 * self.drawn, np.uint8)


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_a_second_of_film_is_a_second_of_the_cell(tmp_path, kind):
    ffmpeg, imageio = map(pytest.importorskip, ("imageio_ffmpeg", "imageio"))
    cell, path = Cell(), tmp_path / f"film.{kind}"
    running = [0.05 * step for step in range(1, 21)]
    locked = [2.0, 2.0 + 1 / 3]  # the robot is locked out: a step of a second, and of a part
    with Film(path) as film:
        for now in [*running, *locked]:
            film.take(cell, now)
    gif = kind == "gif"
    written = len(imageio.mimread(path)) if gif else ffmpeg.count_frames_and_secs(path)[0]
    assert film.taken == written == 23 and RATE == 10
    assert cell.drawn == 12  # a step of a second is drawn once


def test_a_film_whose_last_bytes_found_no_room_is_refused_and_not_left(tmp_path):
    """ffmpeg does not say so, and nothing plays an MP4 without the index at its end."""
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "film.mp4"
    with pytest.raises(Refused, match="film.mp4: cannot be written .is the disk full"):
        with Film(path) as film:
            film.take(Cell(), 0.3)
            film.writer.close()
            assert has_index(path)
            whole = path.read_bytes()
            path.write_bytes(whole[:-1])
    assert not path.exists()
    for cut in (0, 8, 40, len(whole) // 2):
        path.write_bytes(whole[:cut])
        assert not has_index(path)


def test_the_clock_is_in_a_corner_and_tells_the_time():
    pytest.importorskip("PIL")
    plain = np.full((120, 160, 3), 200, np.uint8)
    one, other = with_clock(plain, 1.0), with_clock(plain, 28_799.9)
    assert one.shape == plain.shape and (plain == 200).all()
    assert (one != other).any() and (one[60:] == 200).all() and (one[:, 120:] == 200).all()
