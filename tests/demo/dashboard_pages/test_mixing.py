"""The Mixing page: which networks it offers, its five questions, a mix by hand that changes the answer."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.files import DEFAULT_CHECKPOINT, checkpoints_dir
from cifar_core.recipes import get_recipe
from demo.dashboard_pages.mixing.accuracy import accuracy_title
from demo.dashboard_pages.mixing.favorites import ASKED, CLICKED
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, buttons, charts, figures, page, words
from tests.support.texts import says
from tests.support.toy_checkpoints import save_toy

SMOKE = get_recipe("smoke").config
PARTS = ["classes", "picture", "whatif", "time", "compare"]


def toy_run(store, data: str = "synthetic", **changes):
    """A run without events whose weights mix; its pictures are the drawn set, which needs no file."""
    run = store.create(SMOKE.replace(data=data))
    card = {"class_names": list(SHAPE_NAMES), "config": run.config().to_json(), **changes}
    save_toy(run.best_checkpoint, **card)
    return run


def answer(app) -> str:
    """The title of the chart that compares two answers."""
    heads = ("As it mixes by itself, the network says", "It still says", "It now says")
    return next(line for line in words(app).splitlines() if line.startswith(heads))


def test_without_a_network_it_says_what_to_do(store):
    app = page("mixing", part="compare")
    assert "Train one with mixing in its name" in words(app)
    assert not charts(app) and not app.error


def test_with_the_shipped_networks_it_opens_with_the_default_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    app = page("mixing")
    assert app.selectbox(key="choice-run").value == DEFAULT_CHECKPOINT and not app.query_params
    assert charts(app) == 2 and "Kernel 2 of B5 serves automobile most" in words(app)
    offered = app.selectbox(key="choice-run").options
    card = json.loads((checkpoints_dir() / "speed94.v2" / "card.json").read_text())
    assert card["model"] == "speed94" and "speed94.v2" not in offered
    assert "mixing_lite.v1" in offered


def test_the_shipped_default_mixes_a_drawing_without_any_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    app = page("mixing", part="picture", block="B5")
    said = words(app)
    assert "these are drawings" in said and said.count("<li") == 6 and said.count('class="bar mean"') == 6
    assert "the average airplane" in said
    app = page("mixing", part="whatif", mix="B5:1,0")
    assert "B5: only kernel 1; the other blocks as predicted." in words(app)
    assert "needs labeled pictures. CIFAR-10" in words(app)


@pytest.mark.parametrize("part", PARTS)
def test_a_run_without_weights_shows_its_epochs(store, part):
    run = make_run(store, epochs=4)
    app = page("mixing", run=run.id, part=part)
    if part in ("picture", "whatif"):
        assert "no saved weights yet" in words(app) and not charts(app)
    else:
        assert charts(app) == {"classes": 2, "time": 7, "compare": 1}[part]
    assert not app.error


def test_a_collapse_is_warned_of(store):
    run = make_run(store, epochs=4)
    app = page("mixing", run=run.id, part="time")
    assert "Warning: one kernel has taken over in stage3.1 (since epoch 4)" in words(app)
    assert "A higher mixing temperature" in app.warning[0].value
    app = page("mixing", run=run.id, part="classes", epoch="3")
    assert not app.warning and "Epoch 3 of 4; the weights of 4 are kept" in words(app)


def test_a_network_that_does_not_mix_is_not_offered(store):
    plain, mixing = make_run(store, mixes=False), make_run(store)
    app = page("mixing", run=plain.id)
    assert "is no network that mixes; here is another" in words(app)
    select = app.selectbox(key="choice-run")
    assert select.value == mixing.id and len(select.options) == 1


def test_weights_alone_are_offered_when_they_mix(store):
    toy_run(store, model="plain_cnn_2", model_args={})
    mixing = toy_run(store)
    app = page("mixing")
    select = app.selectbox(key="choice-run")
    assert select.value == mixing.id and len(select.options) == 1
    assert "none is recorded" in words(app)


def test_a_damaged_run_does_not_spoil_the_page(store):
    damaged, whole = make_run(store), make_run(store)
    (damaged.path / "events.jsonl").write_text("{]\n")
    app = page("mixing", run=damaged.id)
    assert app.selectbox(key="choice-run").value == whole.id and charts(app) == 2


def test_damaged_weights_are_said_in_a_sentence(store):
    run = make_run(store)
    save_toy(run.best_checkpoint)
    (run.best_checkpoint / "weights.safetensors").write_bytes(b"nothing")
    app = page("mixing", run=run.id, part="whatif")
    assert "is not a whole safetensors file" in app.error[0].value.replace("\\", "")


def test_many_runs_are_offered_and_another_network_begins_anew(store):
    runs = [make_run(store, epochs=count) for count in (2, 3, 4, 5, 6)]
    app = page("mixing", run=runs[4].id, epoch="2")
    select = app.selectbox(key="choice-run")
    assert len(select.options) == 5
    assert "Epoch 2 of 6" in words(app)
    select.set_value(runs[1].id).run()
    assert not app.exception and "Epoch 3 of 3" in words(app)
    assert app.query_params == {"run": runs[1].id}


@pytest.mark.parametrize("value", ["99", "<b>"])
def test_an_address_that_makes_no_sense_shows_the_default(store, value):
    run = make_run(store, epochs=3)
    app = page("mixing", run=run.id, part=value, epoch=value)
    assert app.button_group(key="choice-part").value == "classes" and "Epoch 3 of 3" in words(app)


def test_two_epochs_and_two_runs_are_compared(store):
    first, second = make_run(store, epochs=3), make_run(store, epochs=4)
    app = page("mixing", run=first.id, part="compare", epoch1="1", epoch2="2")
    assert "in epoch 2 than in epoch 1" in words(app)
    app.selectbox(key="choice-with").set_value(second.id).run()
    assert not app.exception and "no common order" in words(app)
    assert app.query_params["with"] == second.id


def test_the_pictures_of_a_kernel_are_found(store):
    run = make_run(store, recipe="smoke", epochs=2)
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=SMOKE.to_json())
    app = page("mixing", run=run.id, block="B2")
    button(app, "Look through 500 pictures").click().run()
    assert not app.exception
    said = words(app)
    assert "rom all 500 validation pictures" in said and said.count("image-rendering:pixelated") == 3
    assert "of B2" in said
    app.selectbox(key="choice-of").set_value(SHAPE_NAMES[1]).run()
    assert not app.exception and f"For no {SHAPE_NAMES[1]}" in words(app)
    flow = page("mixing", run=run.id, show="flow")
    assert "does not" not in words(flow) and "product of the class's mean shares" in words(flow)


def test_a_click_on_a_class_looks_for_its_pictures(store):
    run = make_run(store, recipe="smoke", epochs=2)
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=SMOKE.to_json())
    app = page("mixing", run=run.id)
    (drawn, _) = figures(app)
    assert drawn["data"][0]["customdata"][0][0] == "stage1.0"
    app.session_state[ASKED] = CLICKED
    app.query_params.update(block="B3", of=SHAPE_NAMES[2])
    app.run()
    assert not app.exception and "of B3" in words(app)
    assert app.selectbox(key="choice-of").value == SHAPE_NAMES[2]


def test_two_classes_flow_side_by_side_at_first_those_that_part_most(store):
    run = make_run(store, epochs=3)
    app = page("mixing", run=run.id, show="flow", epoch="2")
    assert [figure["data"][0]["type"] for figure in figures(app)] == ["sankey", "sankey"]
    assert "They part most in" in words(app) and "After epoch 2 of 3" in words(app)
    app.selectbox(key="choice-one").set_value("cat").run()
    app.selectbox(key="choice-other").set_value("cat").run()
    assert not app.exception and charts(app) == 2


def test_epochs_play_to_the_end_and_the_address_keeps_where(store):
    run = make_run(store, epochs=3)
    app = page("mixing", run=run.id)
    button(app, "Play").click().run()
    assert not app.exception and "After epoch 1" in words(app), "from the last one it begins anew"
    for shown in (2, 3):
        app.run()  # as its clock does
        assert not app.exception and f"After epoch {shown}," in words(app)
    assert app.query_params["epoch"] in ("3", ["3"]) and "Play" in buttons(app)
    button(app, "Play").click().run()
    button(app, "Stop").click().run()
    assert app.query_params["epoch"] in ("2", ["2"]) and "Epoch 2 of 3" in words(app)


def test_a_picture_goes_through_the_blocks(store):
    app = page("mixing", run=toy_run(store).id, part="picture")
    said = words(app)
    assert said.count("<li") == 3 and "kept no record of its classes" in said
    assert "3 × 3 filter in its own colors" in said, "the first block sees red, green and blue"
    app.button_group(key="choice-block").set_value("B2").run()
    assert "slice that reads one of 4 input channels" in words(app)
    before = app.button_group(key="choice-picture").value
    button(app, "Another twelve").click().run()
    assert not app.exception and app.button_group(key="choice-picture").value != before


def test_a_test_picture_can_be_linked_to(store):
    app = page("mixing", run=toy_run(store).id, part="picture", picture="7")
    assert app.button_group(key="choice-picture").value == "7"
    for nonsense in ("-1", "9999999", "1e3", ""):
        app = page("mixing", part="picture", picture=nonsense)
        assert app.button_group(key="choice-picture").value != nonsense


def test_an_own_picture_goes_through_the_blocks(store):
    app = page("mixing", run=toy_run(store).id, part="picture", **{"from": "own"})
    assert "Choose a picture" in words(app) and "<li" not in words(app)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    app.get("file_uploader")[0].upload("teal.png", picture.getvalue(), "image/png").run()
    assert not app.exception and words(app).count("<li") == 3
    app.get("file_uploader")[0].upload("broken.png", b"no picture", "image/png").run()
    assert not app.exception and app.error


def test_a_mix_by_hand_changes_the_answer_and_back(store):
    app = page("mixing", run=toy_run(store).id, part="whatif")
    alone = answer(app)
    assert "As it mixes by itself" in alone and charts(app) == 2
    app.button_group(key="preset-All blocks").set_value("Only 2").run()
    assert not app.exception
    assert app.query_params["mix"] == "B1:0,1,0 B2:0,1,0 B3:0,1,0"
    assert answer(app) != alone and "B1, B2, B3: only kernel 2." in words(app)
    button(app, "Reset to predicted").click().run()
    assert "mix" not in app.query_params and answer(app) == alone


@pytest.mark.parametrize(
    "arguments", [{"num_kernels": 1}, {"num_kernels": 2, "activation": "sigmoid", "standardize": False}]
)
def test_other_kinds_of_mixing_networks_are_shown_too(store, arguments):
    run = toy_run(store, model_args={"widths": [4, 8], **arguments})
    for part in PARTS:
        assert not page("mixing", run=run.id, part=part).error
    app = page("mixing", run=run.id, part="whatif", where="B1")
    assert "of the pictures" in words(app)
    before = [item.value for item in app.slider]
    app.slider(key="share-B1-0").set_value(0.25).run()
    assert not app.exception
    if "activation" in arguments:  # each stands for itself: the other stays
        assert [item.value for item in app.slider] == [0.25, *before[1:]]


def test_a_slider_moves_one_share_and_the_others_make_room(store):
    app = page("mixing", run=toy_run(store).id, part="whatif", where="B2")
    free = [app.slider(key=f"share-B2-{kernel}").value for kernel in range(3)]
    assert sum(free) == pytest.approx(1, abs=0.02)
    app.slider(key="share-B2-0").set_value(0.9).run()
    assert not app.exception
    moved = [app.slider(key=f"share-B2-{kernel}").value for kernel in range(3)]
    assert moved[0] == 0.9 and sum(moved) == pytest.approx(1, abs=0.02)
    assert app.button_group(key="preset-B2").value == "By hand"
    assert app.query_params["mix"].startswith("B2:0.9,")
    app.button_group(key="preset-B2").set_value("Without 1").run()
    assert app.query_params["mix"] == "B2:off1" and app.slider(key="share-B2-0").value == 0


def test_the_accuracy_answers_with_the_mix(store):
    app = page("mixing", run=toy_run(store).id, part="whatif")
    assert "On all 500 validation pictures" in words(app) and "As it mixes by itself, it is right" in words(
        app
    )
    app.button_group(key="preset-All blocks").set_value("Only 3").run()
    said = words(app)
    assert not app.exception and "With this mix it is right" in said
    assert "points" in said and "with this mix" in said and "as predicted" in said
    button(app, "Switch off every kernel in turn").click().run()
    assert not app.exception and charts(app) == 3
    assert "the accuracy on all 500 validation pictures changes" in words(app)


def test_a_difference_within_chance_is_too_close_to_tell():
    before = np.arange(500) < 400
    assert "80.00 %" in accuracy_title(before, None)
    assert "too close to tell" in accuracy_title(before, np.arange(500) < 401)
    assert says(accuracy_title(before, np.arange(500) < 300), "60.00 %", "20.0 points less")
    assert says(accuracy_title(before, np.arange(100) < 50), "50.00 %", "50.0 points less"), (
        "of the first 100"
    )


def test_validation_pictures_are_taken_where_the_card_says_which(store):
    for sentence, config in (
        ("all 300 validation pictures", SMOKE.replace(val_size=300)),
        ("500 of the 1,000 validation pictures", SMOKE.replace(val_size=1000)),
        ("all 500 test pictures", SMOKE.replace(monitored="test")),
    ):
        run = toy_run(store, config=config.to_json())
        assert sentence in words(page("mixing", run=run.id, part="whatif"))


def test_averages_of_other_blocks_are_not_drawn(store):
    """A record whose blocks are not those of the weights, as when another run's events lie there."""
    run = make_run(store, epochs=2)
    save_toy(run.best_checkpoint)
    assert 'class="bar mean"' not in words(page("mixing", run=run.id, part="picture"))
