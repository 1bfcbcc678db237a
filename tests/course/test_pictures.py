"""The pictures in README.md are there, load quickly and are described in words."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = {path: alt for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", README)}


def test_readme_shows_the_panel_at_rest_and_in_motion():
    assert set(PICTURES) == {"docs/panel.gif", "docs/panel.png"}


@pytest.mark.parametrize("path", PICTURES)
def test_a_picture_of_the_readme_is_said_in_words_and_loads_quickly(path):
    assert len(PICTURES[path].split()) >= 20
    assert (ROOT / path).stat().st_size < 1_500_000


def test_the_film_grows_bar_by_bar_and_then_rests():
    """The film is calm: it shows few pictures a second and does not play for ever."""
    with Image.open(ROOT / "docs/panel.gif") as film:
        lengths = []
        for frame in range(film.n_frames):
            film.seek(frame)
            lengths.append(film.info["duration"] / 1000)
        assert film.info["loop"] > 0, "0 would mean for ever"
    assert film.n_frames >= 12
    assert min(lengths) >= 0.2
    assert lengths[-1] >= 4, "time to read the result"
    assert sum(lengths) < 30
