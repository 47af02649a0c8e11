"""The page Understand: every part answers from what is there, and says what to do where nothing is."""

import dataclasses
import json

import numpy as np
import pytest

from cifar_core.checkpoint import CheckpointError, weights_version
from cifar_core.config import TrainConfig
from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.explain.corruptions import CORRUPTIONS
from cifar_core.explain.robustness import Robustness, keep, load
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import HeldOut, splits_of
from cifar_core.metrics.calibration import Calibration
from cifar_core.recipes import get_recipe
from demo.charts.robustness import MEAN, compared_chart
from demo.dashboard_pages.understand.answers import (
    Answers,
    answers_of,
    compute,
    kept_answers,
)
from demo.dashboard_pages.understand.calibration import ENDS, fitted_temperature, rows, usual_temperature
from demo.dashboard_pages.understand.confusion import take_cell
from demo.dashboard_pages.understand.mistakes import ANY, OTHER, describe_found, found
from demo.dashboard_pages.understand.robustness_store import known_of, measured_runs, robustness_file
from demo.widgets.evaluation_pictures import describe_pictures, select_pictures
from demo.widgets.networks import list_networks
from tests.support.page_tests import button, buttons, charts, page, words
from tests.support.toy_checkpoints import save_toy

SMOKE = get_recipe("smoke").config


@pytest.fixture(autouse=True)
def nothing_kept():
    kept_answers().clear()


@pytest.fixture
def shipped(store, tmp_path):
    """A network that came with the project; its data is the drawn set."""
    return save_toy(tmp_path / "shipped" / "net.v1", class_names=list(SHAPE_NAMES), config=SMOKE.to_json())


def trained(store, **changes):
    run = store.create(SMOKE)
    changes = {"class_names": list(SHAPE_NAMES), "config": SMOKE.to_json(), **changes}
    save_toy(run.best_checkpoint, **changes)
    return run


def pictures_of(run, store, count: int):
    """The validation pictures that the page shows of a run's network."""
    network = next(one for one in list_networks(store) if one.id == run.id)
    return select_pictures(network, Classifier.load(network.folder, "cpu").card, "val", count)


def open_part(part: str, **query: str):
    return page("understand", part=part, n="200", damaged="100", **query)


# The page


def test_without_a_network_the_page_says_what_to_do(store):
    assert "No trained network yet" in words(page("understand"))


@pytest.mark.parametrize(
    ("part", "sentence", "drawn"),
    [
        ("confusion", "The most common mistake", 2),
        ("mistakes", "wrong", 0),
        ("calibration", "has the lowest loss on 200 validation pictures", 1),
        ("robustness", "41 times 100 pictures", 0),
        ("layers", "channels of", 0),
    ],
)
def test_every_part_has_an_address_and_says_which_pictures(shipped, part, sentence, drawn):
    app = open_part(part)
    said = words(app)
    assert sentence in said and charts(app) == drawn
    assert "validation pictures" in said and "never trained on them" not in said  # the card's data is made up
    assert app.selectbox(key="choice-run").value == "net.v1"
    assert app.button_group(key="choice-part").value == part


def test_a_run_is_found_by_its_address_and_test_pictures_are_named(shipped, store):
    run = trained(store, seed=7)
    app = open_part("confusion", run=run.id, split="test")
    assert "200 of the 500 test pictures, drawn by a fixed seed: to look at, not to choose by" in words(app)
    assert app.query_params["run"] == run.id


def test_the_shipped_default_opens_first(store, tmp_path):
    trained(store)
    for name in ("a.v1", DEFAULT_CHECKPOINT):
        save_toy(tmp_path / "shipped" / name, class_names=list(SHAPE_NAMES), config=SMOKE.to_json())
    assert page("understand", part="layers").selectbox(key="choice-run").value == DEFAULT_CHECKPOINT


@pytest.mark.parametrize("part", ["confusion", "robustness"])
def test_a_damaged_run_is_a_sentence_and_the_others_stay_in_reach(shipped, store, part):
    run = store.create(SMOKE)
    run.best_checkpoint.mkdir(parents=True)
    (run.best_checkpoint / "card.json").write_text("{]")
    app = open_part(part, run=run.id)
    assert "damaged" in words(app) and charts(app) == 0
    assert "net.v1" in app.selectbox[0].options


@pytest.mark.parametrize("part", ["mistakes", "layers"])
def test_damaged_settings_in_the_card_are_a_sentence(store, part):
    run = trained(store, config={**SMOKE.to_json(), "val_size": "many"})
    assert "settings in this network's card are damaged: val_size" in words(open_part(part, run=run.id))


def test_without_the_data_there_is_a_sentence_with_what_to_do(store):
    run = store.create(TrainConfig(), store.root / "nowhere")
    save_toy(run.best_checkpoint, config=TrainConfig().to_json())
    said = words(open_part("confusion", run=run.id))
    assert "there is no such file or folder" in said and "--data-dir" in said


def test_a_network_of_other_classes_is_told(store):
    run = trained(store, class_names=list("abcdefghij"))
    assert "the network knows (a, b, c" in words(open_part("confusion", run=run.id))


def test_a_run_that_set_nothing_aside_fits_no_temperature(store):
    run = trained(store, config=SMOKE.replace(monitored="test").to_json())
    app = open_part("calibration", run=run.id)
    said = words(app)
    assert "a temperature is never fitted on test pictures" in said and "200 of the 500 test" in said
    assert app.slider[0].value == 1.0
    assert splits_of(SMOKE.replace(monitored="test")) == ["test"]


def test_on_test_pictures_the_temperature_is_that_of_the_validation_pictures(shipped):
    fitted = open_part("calibration").slider[0].value
    app = open_part("calibration", split="test")
    assert app.slider[0].value == fitted != 1.0
    assert "independent" not in words(app)


def test_the_temperature_of_its_card_is_the_one_of_every_page(store, tmp_path):
    card = {"class_names": list(SHAPE_NAMES), "config": SMOKE.to_json()}
    folder = save_toy(
        tmp_path / "shipped" / "net.v1", calibration=Calibration(0.4, "val", 500, 0.1, 0.01), **card
    )
    app = open_part("calibration")
    assert app.slider[0].value == 0.4 and "Its card has the temperature 0.40" in words(app)
    table = app.table[0].value.to_string()
    assert "on all pages, at the slider" in table and "as trained" in table and "fitted here" in table
    (network,) = list_networks(store)
    classifier = Classifier.load(folder, "cpu")
    chosen = select_pictures(network, classifier.card, "val", 200)
    sure = answers_of(classifier, (str(folder), network.stamp), chosen).probs
    assert np.allclose(sure, classifier.probs(chosen.images), atol=1e-5)


def test_the_slider_begins_at_the_cards_temperature_as_far_as_it_goes():
    assert usual_temperature(6.62, 1.2) == 6.62 and usual_temperature(None, 19.0) == ENDS[1]
    assert usual_temperature(None, None) == 1.0


def test_a_cell_that_is_a_mistake_is_what_mistakes_opens_with(monkeypatch):
    def chosen(*picked):
        written = {}
        monkeypatch.setattr("demo.dashboard_pages.understand.confusion.write_address", written.update)
        take_cell(list(picked), SHAPE_NAMES)
        return [written.get(name) for name in ("true", "predicted", "shows", "said")]

    assert chosen(3, 6, 12, 4.0) == [SHAPE_NAMES[3], SHAPE_NAMES[6]] * 2
    assert chosen(3, 3, 90, 95.0) == [SHAPE_NAMES[3], SHAPE_NAMES[3], None, None]
    for nonsense in ((), (3,), (3, 10), (-1, 3), ("3", "6"), (True, 3), (None, None)):
        assert chosen(*nonsense) == [None] * 4
    take_cell(None, SHAPE_NAMES)


def test_the_search_finds_by_true_and_predicted_class(shipped):
    app = open_part("mistakes", shows="ring", true="disk")
    said = words(app)
    assert "of the class ring, wrong" in said, "the cell of the confusion matrix filters no mistakes"
    assert said.count("ring, taken for") == min(
        12, int(said.split(" pictures of the class ring")[0].split("**")[-1])
    )
    app.selectbox(key="choice-said").set_value("ring").run()
    assert not app.exception and app.query_params["said"] == "ring"


def test_twelve_more(shipped):
    app = open_part("mistakes")
    assert words(app).count("taken for") == 12
    button(app, "Twelve more").click().run()
    assert words(app).count("taken for") == 24


def test_another_layer_and_kernel(shipped):
    app = open_part("layers", layer="blocks.1")
    assert app.selectbox(key="choice-layer").value == "blocks.1" and "cosine" in words(app)
    app.button_group(key="choice-kernel").set_value("3").run()
    assert not app.exception and app.query_params["kernel"] == "3"


def test_robustness_is_measured_kept_and_compared(shipped, store, monkeypatch):
    monkeypatch.setattr("demo.widgets.evaluation_pictures.FEW_COUNTS", (20, 200))
    run = trained(store, seed=7)
    for name in (run.id, "net.v1"):
        app = page("understand", part="robustness", run=name, damaged="20")
        start = next(label for label in buttons(app) if label.startswith("Measure"))
        button(app, start).click().run(timeout=60)
        assert not app.exception and "hurts most" in words(app)
    runs = measured_runs(store, list_networks(store), pictures_of(run, store, 20).key)
    assert charts(app) == 2 and compared_chart(runs, MEAN).title in words(app)
    assert load(run.path / "robustness.json")[0].is_whole
    networks = {network.id: network for network in list_networks(store)}
    assert run.path not in robustness_file(store, networks["net.v1"]).parents
    app.selectbox(key="choice-damage").set_value("blur").run()
    said = words(app)
    assert compared_chart(runs, "blur").title in said and compared_chart(runs, MEAN).title not in said


def test_a_measurement_of_earlier_weights_does_not_count(shipped, store):
    run = trained(store)
    network = next(one for one in list_networks(store) if one.id == run.id)
    key = pictures_of(run, store, 100).key
    document = {"pictures": key, "n": 100, "weights": "of yesterday", "clean": 0.5, "accuracy": {}}
    (run.path / "robustness.json").write_text(json.dumps({"robustness": [document]}))
    assert known_of(store, network, key) is None
    document["weights"] = f"{weights_version(run.best_checkpoint)}0123"  # as earlier versions wrote it
    (run.path / "robustness.json").write_text(json.dumps({"robustness": [document]}))
    assert known_of(store, network, key).clean == 0.5
    assert any("measuring" in label for label in buttons(open_part("robustness", run=run.id)))


def test_what_was_shipped_beside_the_weights_is_shown(shipped, store):
    network = next(one for one in list_networks(store) if one.id == "net.v1")
    key = pictures_of(network, store, 100).key
    row = {kind: [0.9, 0.8, 0.7, 0.6, 0.5] for kind in CORRUPTIONS}
    measured = Robustness(key, 100, weights_version(network.folder), 0.95, row)
    keep(network.folder / "robustness.json", measured)
    assert known_of(store, network, key) == measured
    part = dataclasses.replace(measured, accuracy={})
    keep(robustness_file(store, network), part)
    assert known_of(store, network, key) == measured, "the whole one is shown"
    (network.folder / "robustness.json").unlink()
    assert known_of(store, network, key) == part


def test_a_public_host_measures_nothing(shipped, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/something")
    app = open_part("robustness")
    assert "Measuring is off on this public page" in words(app) and not buttons(app)


# Pictures and answers


def test_validation_pictures_are_those_that_training_never_sees(store):
    from cifar_core.data import load_data, split_train_val

    run = trained(store)
    (network,) = list_networks(store)
    card = Classifier.load(run.best_checkpoint, "cpu").card
    data = load_data(source="synthetic")
    held_out = split_train_val(data.train.targets, SMOKE.val_size, SMOKE.split_seed)[1]
    whole = select_pictures(network, card, "val", 0)
    assert np.array_equal(whole.images, data.train.images[held_out]) and whole.total == len(held_out)
    few = select_pictures(network, card, "val", 50)
    assert len(few) == 50 and few.key != whole.key
    assert np.array_equal(few.images, select_pictures(network, card, "val", 50).images)


def pictures(count: int = 120, **changes: object) -> HeldOut:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (count, 3, 32, 32), dtype=np.uint8)
    targets = generator.integers(0, 10, count)
    values = {"split": "val", "total": 500, "key": "k", **changes}
    return HeldOut(images, targets, SHAPE_NAMES, **values)


def test_the_sentence_says_how_many_which_and_what_they_are_good_for():
    assert "120 of the 500 validation pictures, drawn by a fixed seed: its run set" in describe_pictures(
        pictures()
    )
    assert describe_pictures(pictures(total=120)).startswith("All 120 validation pictures: its run")
    assert "may have learned some of them" in describe_pictures(pictures(other_data=True))
    assert "not to choose by" in describe_pictures(pictures(split="test"))


def test_answers_cut_short_go_on_and_are_the_networks(tmp_path):
    classifier = Classifier.load(save_toy(tmp_path / "net"), "cpu")
    parts = {}
    steps = compute(classifier, pictures(), parts)
    assert [next(steps), next(steps)] == [50, 100]
    assert list(compute(classifier, pictures(), parts)) == [120]
    logits = np.concatenate([parts[start] for start in sorted(parts)])
    assert np.allclose(logits, classifier.logits(pictures().images), atol=1e-4)
    assert list(compute(classifier, pictures(), parts)) == []


def answers() -> Answers:
    """Three classes; pictures 0 and 1 right, 2 a sure mistake, 3 an unsure one."""
    logits = np.array([[5, 0, 0], [0, 5, 0], [0, 9, 0], [0, 0, 1]], np.float32)
    return Answers(logits, np.array([0, 1, 0, 1]))


def test_one_temperature_has_one_row_of_figures():
    table = rows(answers(), {"as trained": 1.0, "fitted here": 1.5, "at the slider": 1.5})
    assert [(row[""], row["temperature"]) for row in table] == [
        ("as trained", "1.00"),
        ("fitted here, at the slider", "1.50"),
    ]
    apart = rows(answers(), {"as trained": 1.0, "fitted here": None, "at the slider": 2.0})
    assert [row["temperature"] for row in apart] == ["1.00", "2.00"]
    assert apart[0]["loss"] != apart[1]["loss"]


def test_the_fitted_temperature_is_one_that_the_slider_has():
    fitted = fitted_temperature(answers())
    assert fitted is not None and fitted == round(fitted, 2) and fitted_temperature(None) is None


def test_found_pictures_come_by_loss_and_by_class():
    names = ("a", "b", "c")
    assert found(answers(), names, ANY, OTHER).tolist() == [2, 3]
    assert found(answers(), names, "a", "b").tolist() == [2]
    assert found(answers(), names, "b", OTHER).tolist() == [3]
    assert found(answers(), names, "b", "b").tolist() == [1]
    assert found(answers(), names, ANY, "b").tolist() == [2]
    assert found(answers(), names, "c", OTHER).tolist() == []
    assert answers().accuracy == 0.5 and answers().confusion.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ((2, "a", "b"), "2 pictures of the class a taken for b"),
        ((2, ANY, OTHER), "2 of the 9 pictures are wrong"),
        ((2, "a", OTHER), "2 pictures of the class a, wrong"),
        ((3, "a", "a"), "3 pictures of the class a, recognized"),
        ((1, ANY, "b"), "1 picture taken for b"),
    ],
)
def test_the_search_is_told_in_words(search, sentence):
    count, true, predicted = search
    assert describe_found(count, 9, true, predicted) == sentence
    assert "None of the 9 pictures" in describe_found(0, 9, true, predicted)


def test_weights_that_are_gone_are_a_sentence(store):
    run = trained(store)
    (network,) = list_networks(store)
    (run.best_checkpoint / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match="weights"):
        known_of(store, network, "k")


# What is shipped


def ship(folder, pictures, n, weights=None):
    """Put a whole measurement beside the weights of a network."""
    rows = {kind: [0.5, 0.4, 0.3, 0.2, 0.1] for kind in CORRUPTIONS}
    keep(folder / "robustness.json", Robustness(pictures, n, weights or weights_version(folder), 0.9, rows))


def test_what_was_shipped_is_shown_also_where_the_pictures_are_another_copy(shipped):
    ship(shipped, "val-100-another-copy", 100)
    app = open_part("robustness")
    said = words(app)
    assert "hurts most" in said and "100 validation pictures" in said and charts(app) == 1
    assert any(label.startswith("Measure") for label in buttons(app))
    ship(shipped, "val-100-another-copy", 100, weights="others")
    assert charts(open_part("robustness")) == 0, "measured on other weights"


def test_what_was_shipped_is_shown_also_without_the_pictures(store, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", str(tmp_path / "nowhere"))
    folder = save_toy(tmp_path / "shipped" / "net.v1", config=TrainConfig().to_json())
    ship(folder, "val-1000-x", 1000)
    ship(folder, "val-200-x", 200)
    app = page("understand", part="robustness")
    assert "nowhere" in words(app) and charts(app) == 1
    assert "1,000 validation pictures" in words(app), "as many pictures as were measured"
