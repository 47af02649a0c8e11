"""What a kernel does: its portraits on the Mixing page, and the shares of a picture that is changed."""

import numpy as np
import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.explain.portraits import Patch, Portraits
from cifar_core.files import PORTRAITS
from cifar_core.inference.held_out import HeldOut
from cifar_core.recipes import get_recipe
from demo.dashboard_pages.mixing.changed import LEVELS, changed_pictures
from demo.dashboard_pages.mixing.networks import list_mixing
from demo.dashboard_pages.mixing.portraits import Looking, drawn_patch, portraits_html, portraits_title
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, buttons, charts, figures, page, words
from tests.support.texts import says
from tests.support.toy_checkpoints import save_toy

SMOKE = get_recipe("smoke").config


@pytest.fixture
def run(store):
    """A run with toy weights; its pictures are the drawn set, which needs no file."""
    made = store.create(SMOKE)
    save_toy(made.best_checkpoint, class_names=list(SHAPE_NAMES), config=SMOKE.to_json())
    return made


def pictures(count: int = 3) -> HeldOut:
    """Pictures of one brightness each, of three classes, one of whose names is no markup."""
    images = np.repeat(np.arange(count, dtype=np.uint8) * 50 + 10, 3 * 32 * 32).reshape(-1, 3, 32, 32)
    return HeldOut(images, np.arange(count) % 3, ("<b>cat", "dog", "ship"), "val", count, "k")


def portraits(*kernels: list[Patch]) -> Portraits:
    return Portraits("k", "val", 3, "w", {"B1": list(kernels)})


def test_portraits_are_looked_for_once_and_kept(store, run):
    app = page("mixing", run=run.id, show="portraits")
    assert str(run.best_checkpoint) in words(app) and "prepare" in words(app)
    (network,) = [one for one in list_mixing(store) if one.id == run.id]
    button(app, "Look for them in all 500 validation pictures").click().run()
    assert not app.exception
    for _ in range(50):
        if (run.best_checkpoint / PORTRAITS).exists():
            break
        app.run()
    assert (network.weights.folder / PORTRAITS).exists()
    drawn = page("mixing", run=run.id, show="portraits")
    assert words(drawn).count("Patches of kernel") == 9 and "From all 500 validation pictures" in words(drawn)
    assert not any("Look for" in label for label in buttons(drawn))


def test_portraits_of_other_weights_are_not_shown(run):
    button(page("mixing", run=run.id, show="portraits"), "Look for them in all 500 validation pictures")
    (run.best_checkpoint / PORTRAITS).write_text('{"pictures": "k"}')
    assert "prepare" in words(page("mixing", run=run.id, show="portraits"))


def test_the_shipped_portraits_need_the_pictures_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    app = page("mixing", show="portraits")
    assert says(words(app), "cut out of the pictures", "CIFAR-10") and not app.error


def test_a_public_page_only_shows_what_is_there(run, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("mixing", run=run.id, show="portraits")
    assert "prepare" in words(app) and not any("Look for" in label for label in buttons(app))


def test_a_search_that_fails_says_why(run, store, monkeypatch):
    (network,) = [one for one in list_mixing(store) if one.id == run.id]
    (run.best_checkpoint / "weights.safetensors").write_bytes(b"nothing")
    looking = Looking()
    looking.begin(network.weights, pictures())
    looking.thread.join(timeout=30)
    assert "safetensors" in looking.trouble and not looking.is_under_way


def test_a_run_without_weights_has_no_portraits(store):
    made = make_run(store, epochs=2)
    assert "no saved weights yet" in words(page("mixing", run=made.id, show="portraits"))


def test_a_patch_at_the_edge_stands_where_it_belongs():
    cut = drawn_patch(Patch(1, [0, 30, 3, 32], 1.0), 4, pictures())
    times = cut.shape[0] // 4
    shown = cut[::times, : 4 * times : times, 3] > 0
    assert shown.tolist() == [[False] * 4] + [[True, True, False, False]] * 3, "top and right are outside"
    assert (cut[-1, 0, :3] == 60).all()


def test_the_sheet_has_a_row_for_each_kernel_and_brings_no_markup():
    ship, cat = Patch(2, [0, 0, 4, 4], 2.0), Patch(0, [4, 4, 8, 8], 1.0)
    found = portraits([ship, ship, cat], [cat, cat, cat])
    drawn = portraits_html(found, pictures())
    assert drawn.count("<img") == 2 and "4 × 4" in drawn and "<b>" not in drawn
    assert says(portraits_title(found, pictures()), "Kernel 2 of B1", "3 of its 3")
    mixed = portraits([ship, cat, Patch(1, [0, 0, 4, 4], 1.0)])
    assert "No kernel" in portraits_title(mixed, pictures())


@pytest.mark.parametrize("kind", list(LEVELS))
def test_a_changed_picture_changes_more_and_more_and_not_at_0(kind):
    picture = np.random.default_rng(0).integers(60, 190, (32, 32, 3), dtype=np.uint8)
    changed = changed_pictures(picture, kind).astype(int)
    levels = LEVELS[kind]
    distances = np.abs(changed - changed[levels.index(0)]).mean(axis=(1, 2, 3))
    assert (changed[levels.index(0)] == picture.transpose(2, 0, 1)).all()
    assert (distances[levels.index(0) + 1 :] > 0).all()
    if kind != "rotation":
        above = distances[levels.index(0) :]
        assert (np.diff(above) > 0).all()


def test_the_shares_follow_the_slider(run):
    app = page("mixing", run=run.id, part="picture", change="brightness")
    before = charts(app)
    levels = figures(app)[0]
    assert levels["layout"]["yaxis"]["ticktext"][5] == "as it is"
    assert levels["layout"]["shapes"][0]["y0"] == 4.5, "the frame is at the picture as it is"
    app.select_slider(key="choice-level").set_value("+0.5").run()
    assert not app.exception and charts(app) == before
    assert figures(app)[0]["layout"]["shapes"][0]["y0"] == 9.5
    app.button_group(key="choice-change").set_value("blur").run()
    assert not app.exception and app.select_slider(key="choice-level").value == "as it is"
    app.button_group(key="choice-change").set_value("none").run()
    assert not app.exception and charts(app) == before - 1
