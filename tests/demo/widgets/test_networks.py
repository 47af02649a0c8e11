"""Networks and pictures to try: which there are, and how the answers are shown."""

import numpy as np
import pytest

from cifar_core.data import DataError
from cifar_core.datasets import CIFAR10, SYNTHETIC
from demo.shared.pictures import data_uri, picture_grid
from demo.widgets.networks import draw, list_networks, pictures_of
from tests.support.fake_runs import make_run

PICTURE = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)


def test_networks_are_runs_with_weights_then_shipped_ones(store, tmp_path):
    make_run(store)
    trained = make_run(store, recipe="smoke")
    for folder in (trained.best_checkpoint, tmp_path / "shipped" / "net.default"):
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{}")
    first, second = list_networks(store)
    assert (first.id, first.data) == (trained.id, SYNTHETIC)
    assert (second.id, second.data, second.data_dir) == ("net.default", CIFAR10, None)


def test_a_dozen_is_different_pictures_and_the_same_for_a_seed():
    assert len(set(draw(100, 3))) == 12
    assert list(draw(100, 3)) == list(draw(100, 3)) != list(draw(100, 4))
    assert len(draw(5, 0)) == 5


def test_missing_pictures_are_said_and_never_downloaded(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    with pytest.raises(DataError, match="there is no such file or folder"):
        pictures_of(CIFAR10, tmp_path / "nowhere")
    assert len(pictures_of(SYNTHETIC, None).test) > 12


def test_the_grid_says_right_and_wrong_in_words():
    grid = picture_grid([PICTURE, PICTURE], [[("cat", 0.9)], [("dog", 0.6)]], ["cat", "frog"])
    assert "right: cat" in grid and "wrong: it is frog" in grid
    assert grid.count("image-rendering:pixelated") == 2 and 'alt="Picture 2, frog"' in grid


def test_names_cannot_bring_markup():
    grid = picture_grid([PICTURE], [[("<script>", 0.5)]], ['"><img onerror=x>'])
    assert "<script>" not in grid and "<img onerror" not in grid


def test_pictures_arrive_unchanged():
    import base64
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(data_uri(PICTURE).partition(",")[2])))
    assert np.array_equal(np.asarray(image), PICTURE)
