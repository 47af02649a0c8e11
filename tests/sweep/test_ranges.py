"""What may be searched: the settings of the form within their limits; all else is refused with a reason."""

import pytest

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.sweep.ranges import Choices, Range, parse_search, searchable_settings

BASE = TrainConfig()


def test_ranges_and_choices_are_read_in_their_settings_types():
    search = parse_search(["lr=0.02:0.3:log", "momentum=0.4:0.9", "epochs=2:9", "optimizer=sgd,muon"], BASE)
    assert search == {
        "lr": Range("lr", 0.02, 0.3, log=True),
        "momentum": Range("momentum", 0.4, 0.9),
        "epochs": Range("epochs", 2, 9),
        "optimizer": Choices("optimizer", ("sgd", "muon")),
    }
    assert type(search["epochs"].low) is int
    several = parse_search(["lr=0.1,0.2", "nesterov=true,false", "seed=0,1,2"], BASE)
    assert [one.values for one in several.values()] == [(0.1, 0.2), (True, False), (0, 1, 2)]


@pytest.mark.parametrize("word", ["lr=0.02:0.3:log", "batch_size=16:64", "optimizer=sgd,muon", "seed=0,1"])
def test_its_own_words_mean_the_same(word):
    (one,) = parse_search([word], BASE).values()
    assert one.text == word and parse_search([one.text], BASE) == {one.name: one}


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("speed=1:2", ["speed", "lr", "momentum"]),  # no setting: those that are
        ("lr", ["lr", "low", "0.02:0.3:log"][:1]),
        ("lr=0.1", ["lr=0.1", "--set"]),  # nothing to choose
        ("lr=0.1,0.1", ["0.1,0.1", "different"]),
        ("lr=0.3:0.02", ["0.3:0.02", "smaller"]),
        ("lr=0.1:0.1", ["0.1:0.1", "smaller"]),
        ("lr=0.1:0.3:exp", ["exp", "low:high:log"]),
        ("lr=0.1:0.3:", ["low:high"]),
        ("lr=fast:slow", ["lr", "fast", "number"]),
        ("lr=nan:0.3", ["lr", "nan", "100"]),
        ("lr=0.1:500", ["lr", "500", "100"]),  # beyond its limit
        ("momentum=-1:0.9", ["momentum", "-1", "0.999"]),
        ("weight_decay=0:0.1:log", ["logarithm", ":log"]),
        ("epochs=1.5:3", ["epochs", "1.5", "whole"]),
        ("optimizer=sgd,adam", ["adam", "adamw"]),
        ("optimizer=a:b", ["optimizer", "range", "choices"]),
        ("nesterov=0:1", ["nesterov", "range"]),
        ("tta=1:6,2", ["tta"]),
        ("tta=1,3", ["tta is 3", "1, 2 or 6"]),  # what only the whole config knows
        ("recipe=a,b", ["recipe", "--recipe"]),
        ("monitored=val,test", ["monitored", "same images"]),
        ("val_size=100:200", ["val_size", "same images"]),
        ("classes=cat,dog", ["classes", "same images"]),
        ("milestones=1,2", ["milestones", "list"]),
        ("model_args={}", ["model_args", "JSON"]),
    ],
)
def test_others_are_refused_with_the_value_the_limit_and_the_way_out(word, named):
    with pytest.raises(ConfigError) as refused:
        parse_search([word], BASE)
    assert refused.value.exit_code == 2
    for part in named:
        assert part in str(refused.value)


def test_a_setting_is_searched_once_and_something_is():
    with pytest.raises(ConfigError, match="twice"):
        parse_search(["lr=0.1:0.2", "lr=0.1:0.3"], BASE)
    with pytest.raises(ConfigError, match="--search"):
        parse_search([], BASE)


def test_what_decides_on_the_measured_images_is_fixed():
    names = searchable_settings()
    assert {"lr", "momentum", "optimizer", "epochs", "model"} <= set(names)
    assert not {"recipe", "data", "classes", "val_size", "split_seed", "monitored"} & set(names)
