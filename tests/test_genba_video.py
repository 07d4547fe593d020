"""A film: a second of it is a second of the cell, and it says which."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest

from genba.video import RATE, Film, with_clock


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


def test_the_clock_is_in_a_corner_and_tells_the_time():
    pytest.importorskip("PIL")
    plain = np.full((120, 160, 3), 200, np.uint8)
    one, other = with_clock(plain, 1.0), with_clock(plain, 28_799.9)
    assert one.shape == plain.shape and (plain == 200).all()
    assert (one != other).any() and (one[60:] == 200).all() and (one[:, 120:] == 200).all()
