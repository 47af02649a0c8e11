"""Every recipe is complete, builds its network, and those of earlier works hold what the works state."""

import pytest
import torch

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.models import count_macs, count_parameters, create_model, list_models
from cifar_core.models.normalization import NORMALIZATIONS
from cifar_core.recipes import DEFAULT_RECIPE, FAST, LESSONS, get_recipe, list_recipes
from cifar_core.recipes.sizes import known_models, network_sizes, size_of
from cifar_core.training.schedules import learning_rate
from tests.tools.network_sizes import counted_networks

EARLIER_WORKS = ("s1-mixing6", "s1-mixing11", "s3-model-a", "s3-model-b")


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_is_complete_and_builds_its_network(name):
    recipe = get_recipe(name)
    assert (recipe.name, recipe.config.recipe) == (name, name)
    assert recipe.summary.endswith(".")
    assert TrainConfig.from_json(recipe.config.to_json()) == recipe.config
    assert recipe.config.normalization in NORMALIZATIONS
    with torch.device("meta"):
        model = create_model(recipe.config.model, num_classes=10, **recipe.config.model_args)
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_sizes_that_are_shown_are_the_networks_own():
    again = "run `python -m tests.tools.network_sizes`"
    assert list(network_sizes()) == counted_networks(), again
    assert known_models() == list_models(), again
    assert all(size_of(get_recipe(name).config) for name in list_recipes())
    assert size_of(TrainConfig(model_args={"other": 1})) is None


def test_a_size_is_counted_as_it_runs():
    """On paper alone a network has the same size as one that computes."""
    model = create_model("speed_mixing")
    size = size_of(get_recipe("speed_mixing").config)
    assert (size.parameters, size.macs) == (count_parameters(model), count_macs(model))


def test_the_default_comes_first():
    assert list_recipes()[0] == DEFAULT_RECIPE
    assert len(set(list_recipes())) == len(list_recipes())


def test_an_unknown_recipe_is_named_beside_those_that_exist():
    with pytest.raises(ConfigError, match=r"no recipe 'mixing'.*smoke"):
        get_recipe("mixing")


@pytest.mark.parametrize(
    ("name", "accuracy", "epochs"),
    [
        ("s1-mixing6", 0.8685, 40),
        ("s1-mixing11", 0.86, 40),
        ("s3-model-a", 0.5292, 30),
        ("s3-model-b", 0.8079, 40),
        ("s2-vgg", 0.9016, 100),
        ("s2-resnet-light", 0.9120, 100),
        ("s2-resnet-heavy", 0.9179, 100),
        ("s2-resnext-3", 0.9230, 100),
        ("s2-resnext-4", 0.9200, 100),
        ("s2-densenet-g12", 0.9280, 100),
        ("s2-densenet-g16", 0.9309, 100),
        ("s4-scale", 0.95, 5),
    ],
)
def test_stated_results_are_those_of_the_works(name, accuracy, epochs):
    recipe = get_recipe(name)
    assert recipe.stated is not None
    assert (recipe.stated.accuracy, recipe.stated.epochs) == (accuracy, epochs)
    assert recipe.config.epochs == epochs


@pytest.mark.parametrize("name", EARLIER_WORKS)
def test_earlier_works_trained_with_plain_rmsprop_on_unchanged_pictures(name):
    config = get_recipe(name).config
    assert (config.optimizer, config.momentum, config.weight_decay) == ("rmsprop", 0.0, 0.0)
    assert (config.augmentation, config.normalization, config.precision) == ("none", "half", "fp32")
    assert (config.label_smoothing, config.ema_decay, config.mixing_temperature) == (0.0, 0.0, 1.0)


def test_the_published_run_of_the_six_blocks_is_laid_out_as_stated():
    config = get_recipe("s1-mixing6").config
    assert (config.model, config.batch_size, config.lr) == ("mixing_6", 128, 0.0015)
    assert (config.accumulation_steps, config.accumulation) == (5, "sum")
    rates = [learning_rate(config, epoch * 352, 352) for epoch in range(config.epochs)]
    assert rates[0] == 0.0015
    assert rates[39] == pytest.approx(0.0010044, rel=1e-4)  # a cosine for 100 epochs, left after 40


@pytest.mark.parametrize(("name", "batch_size", "lr"), [("s3-model-a", 64, 0.01), ("s3-model-b", 128, 0.001)])
def test_the_second_projects_models_train_at_a_constant_rate(name, batch_size, lr):
    config = get_recipe(name).config
    assert (config.batch_size, config.lr, config.schedule) == (batch_size, lr, "constant")
    assert config.accumulation_steps == 1


@pytest.mark.parametrize(
    "name", [name for name in list_recipes() if get_recipe(name).config.monitored == "test"]
)
def test_where_the_test_images_are_watched_nothing_is_chosen_by_them(name):
    assert get_recipe(name).config.keeps_last
    assert get_recipe(name).config.replace(keep="best").keeps_last


def test_our_own_and_the_fast_recipes_never_watch_the_test_images():
    watching = {name for name in list_recipes() if get_recipe(name).config.monitored == "test"}
    assert watching == {"s1-mixing6", "s1-mixing11", "s3-model-a", "s3-model-b", "s4-scale"}


@pytest.mark.parametrize("name", [name for name in list_recipes() if get_recipe(name).work == "s2"])
def test_the_five_families_share_one_recipe(name):
    config = get_recipe(name.removesuffix(FAST)).config
    assert (config.optimizer, config.lr, config.weight_decay) == ("adamw", 3e-3, 0.1)
    assert (config.val_size, config.batch_size, config.augmentation) == (5000, 128, "flip_crop")
    assert (config.crop_padding, config.crop_border, config.normalization) == (4, "black", "cifar10")
    rates = [learning_rate(config, epoch * 352, 352) for epoch in (0, 49, 50, 74, 75, 99)]
    assert rates == pytest.approx([3e-3, 3e-3, 3e-4, 3e-4, 3e-5, 3e-5])


def test_the_scale_network_trains_on_two_classes_for_five_epochs():
    config = get_recipe("s4-scale").config
    assert (config.data, config.normalization) == ("airplane_automobile", "airplane_automobile")
    assert (config.optimizer, config.momentum, config.nesterov, config.batch_size) == ("sgd", 0.9, False, 128)
    assert [learning_rate(config, step, 80) for step in (0, 200, 400)] == pytest.approx([0.1, 0.05, 0.0])


def test_each_work_knows_its_recipes():
    works = {get_recipe(name).work for name in list_recipes()}
    assert works == {"", LESSONS, "s1", "s2", "s3", "s4", "s5"}
    assert [name for name in list_recipes() if get_recipe(name).work == "s5"] == [
        "s5-cnn-2",
        "s5-cnn-3",
        "s5-cnn-4",
    ]


def test_lessons_change_one_thing_at_a_time():
    first, overfit, augment = (
        get_recipe(f"lesson_{name}").config for name in ("first", "overfit", "augment")
    )
    assert overfit.replace(recipe=augment.recipe, augmentation=augment.augmentation) == augment
    assert (overfit.augmentation, augment.augmentation) == ("none", "flip_crop")
    assert {(one.model, one.lr, one.batch_size) for one in (first, overfit, augment)} == {
        ("plain_cnn_2", 0.02, 50)
    }


def test_smoke_needs_no_real_data_and_stays_small():
    config = get_recipe("smoke").config
    assert config.data == "synthetic"
    with torch.device("meta"):
        model = create_model(config.model, **config.model_args)
    assert sum(parameter.numel() for parameter in model.parameters()) < 200_000
