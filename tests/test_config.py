"""Settings check themselves, travel as JSON without loss, and are read from the command line's words."""

import dataclasses
import json

import pytest

from cifar_core.config import ConfigError, TrainConfig, field_specs, parse_changes
from cifar_core.datasets import CIFAR10
from cifar_core.settings import GROUPS, MAIN_FIELDS, as_text

SPECS = {spec.name: spec for spec in field_specs()}
LIMITED = [spec for spec in field_specs() if spec.minimum is not None]
OTHER_VALUES = {
    "recipe": "mine",
    "model": "mixing_6",
    "model_args": {"num_kernels": 2, "widths": [8, 16]},
    "tta": 6,
    "start_from": "mixing_large.v1",
    "largest_crop": 1.5,
    "teachers": "mixing_lite.v1, vgg.v1",
}


def another_value(spec):
    """A value that the field takes and that is not its default."""
    if spec.name in OTHER_VALUES:
        return OTHER_VALUES[spec.name]
    if spec.choices:
        return next(choice for choice in spec.choices if choice != spec.default)
    if spec.type is bool:
        return not spec.default
    if spec.items is str:
        return ("automobile", "airplane")
    if spec.type is tuple:
        return (16, 24)
    return next(value for value in (0.1 + 0.2, 7, 500) if spec.type(value) == value and fits(spec, value))


def fits(spec, value):
    return spec.minimum <= value and (spec.maximum is None or value <= spec.maximum) and value != spec.default


@pytest.mark.parametrize("name", SPECS)
def test_every_setting_survives_json_on_its_own(name):
    config = TrainConfig().replace(**{name: another_value(SPECS[name])})
    assert config != TrainConfig()
    again = TrainConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert type(getattr(again, name)) is SPECS[name].type
    assert list(config.differences(TrainConfig())) == [name]


def test_a_config_that_differs_in_everything_survives_json():
    config = TrainConfig(**{name: another_value(spec) for name, spec in SPECS.items()})
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert set(config.differences(TrainConfig())) == set(SPECS)


def test_a_config_from_before_a_setting_existed_takes_its_default():
    document = TrainConfig(epochs=3).to_json()
    del document["ema_decay"]
    assert TrainConfig.from_json(document) == TrainConfig(epochs=3)


@pytest.mark.parametrize("spec", LIMITED, ids=lambda spec: spec.name)
def test_limits_themselves_are_taken_and_one_beyond_is_refused_in_one_sentence(spec):
    step = 1 if spec.type is int else 1e-3
    for limit, beyond in ((spec.minimum, -step), (spec.maximum, step)):
        if limit is None:
            continue
        assert getattr(TrainConfig().replace(**{spec.name: limit}), spec.name) == limit
        with pytest.raises(ConfigError) as caught:
            TrainConfig().replace(**{spec.name: limit + beyond})
        sentence = str(caught.value)
        assert sentence.startswith(f"{spec.name} is {limit + beyond}; it must be ")
        assert str(spec.minimum) in sentence
        assert spec.maximum is None or str(spec.maximum) in sentence
        assert sentence.count(". ") == 0 and sentence.endswith(".")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("spec", [spec for spec in LIMITED if spec.type is float], ids=lambda spec: spec.name)
def test_what_is_no_finite_number_is_refused(spec, value):
    with pytest.raises(ConfigError, match=f"^{spec.name} is"):
        TrainConfig().replace(**{spec.name: value})


@pytest.mark.parametrize("spec", [s for s in field_specs() if s.choices], ids=lambda spec: spec.name)
def test_another_choice_is_refused_with_the_choices(spec):
    with pytest.raises(ConfigError, match=f"{spec.name} is 'nothing'.*{', '.join(spec.choices)}"):
        TrainConfig().replace(**{spec.name: "nothing"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", "5"),
        ("epochs", 2.5),
        ("epochs", True),
        ("epochs", None),
        ("lr", "0.1"),
        ("lr", True),
        ("nesterov", 1),
        ("optimizer", 3),
        ("milestones", 50),
        ("milestones", [50, 0]),
        ("milestones", [50.5]),
        ("milestones", [True]),
        ("model_args", [["num_kernels", 2]]),
        ("model_args", {"widths": {1, 2}}),
        ("model_args", {"dropout": float("nan")}),
    ],
)
def test_a_value_of_another_type_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} is .*; it must be "):
        TrainConfig().replace(**{name: value})


def test_whole_numbers_pass_between_the_two_kinds_of_number():
    config = TrainConfig(lr=1, epochs=5.0)  # JSON has one kind of number
    assert (config.lr, type(config.lr)) == (1.0, float)
    assert (config.epochs, type(config.epochs)) == (5, int)


def test_an_unknown_setting_is_named_beside_those_that_exist():
    for refuse in (
        lambda: TrainConfig().replace(learning_rate=0.1),
        lambda: TrainConfig.from_json({"learning_rate": 0.1}),
        lambda: parse_changes(["learning_rate=0.1"]),
    ):
        with pytest.raises(ConfigError, match=r"no setting 'learning_rate'.*\blr\b"):
            refuse()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_size", 1),
        ("model_args", {"num_classes": 5}),
        ("classes", "cat"),
        ("classes", "cat, cat"),
        ("classes", "cat, zebra"),
    ],
)
def test_a_setting_that_no_run_can_use_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} "):
        TrainConfig().replace(**{name: value})


def test_names_of_classes_are_read_as_earlier_versions_kept_them_and_as_a_list():
    assert TrainConfig.from_json({"classes": "cat, dog"}).classes == ("cat", "dog")
    assert TrainConfig.from_json({"classes": ""}).classes == ()
    assert TrainConfig(classes=["cat", "dog"]) == TrainConfig(classes=("cat", "dog"))


@pytest.mark.parametrize(
    "names",
    [
        ("é", "犬"),
        ("pears, ripe", "pears"),
        ("[x]", "y"),
        (" a", "b"),
        ('"', "'", "\\"),
        ("x,", "y"),
        (),
    ],
)
def test_any_name_of_a_class_survives_the_command_line(names):
    config = TrainConfig(data="own", classes=names)
    assert parse_changes([f"classes={as_text(config.classes)}"]) == {"classes": names}
    assert as_text(("cat", "dog")) == "cat,dog"


@pytest.mark.parametrize("text", ["[1, 2]", '["a", ""]', '["a"', '[["a"]]'])
def test_a_list_that_holds_no_names_is_refused(text):
    with pytest.raises(ConfigError, match=r"^classes is .*red,green"):
        parse_changes([f"classes={text}"])


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"classes": [str(number) for number in range(101)]},
        {"own_images": [1]},
    ],
)
def test_own_classes_are_two_to_a_hundred_different_ones(changes):
    with pytest.raises(ConfigError, match=f"^{next(iter(changes))} .*(2 to 100|two numbers)"):
        TrainConfig(data="own", **changes)


def test_own_pictures_are_known_by_the_settings_alone():
    config = TrainConfig(data="own", classes=["b", "a", "犬"], own_images=[30, 6])
    data = config.data_set
    assert data.class_names == ("b", "a", "犬") and (data.train_images, data.test_images) == (30, 6)
    assert data.is_own and not data.is_drawn and not CIFAR10.is_own


def test_a_config_cannot_change_under_the_hands_of_two_owners():
    arguments = {"widths": [8, 16]}
    config = TrainConfig(model_args=arguments)
    copy = config.replace(epochs=1)
    arguments["widths"].append(32)
    copy.model_args["widths"].append(64)
    assert config.model_args == {"widths": [8, 16]}
    TrainConfig().model_args["num_kernels"] = 9
    assert TrainConfig().model_args == {}
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 2


def test_tuples_in_arguments_are_what_json_makes_of_them():
    config = TrainConfig(model_args={"widths": (8, 16)})
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("lr=0.1", 0.1),
        ("lr=3e-3", 0.003),
        ("epochs=5", 5),
        ("epochs=1e2", 100),
        ("nesterov=true", True),
        ("nesterov=FALSE", False),
        ("nesterov=0", False),
        ("milestones=50,75", (50, 75)),
        ("milestones=[50, 75]", (50, 75)),
        ("milestones=", ()),
        ('model_args={"num_kernels": 4}', {"num_kernels": 4}),
        ("optimizer=adamw", "adamw"),
        ("recipe=a=b", "a=b"),
    ],
)
def test_words_become_values_of_the_settings_type(pair, value):
    name = pair.partition("=")[0]
    changes = parse_changes([pair])
    assert changes == {name: value}
    assert type(changes[name]) is SPECS[name].type


def test_the_last_of_two_changes_counts():
    assert parse_changes(["epochs=5", "lr=1", "epochs=6"]) == {"epochs": 6, "lr": 1.0}


@pytest.mark.parametrize(
    "pair",
    [
        "epochs",
        "epochs=",
        "epochs=five",
        "epochs=2.5",
        "epochs=inf",
        "epochs=1e400",
        "epochs=1٣",
        "lr=٠.١",
        "milestones=1٣",
        "lr=fast",
        "lr=nan",
        "lr=1e9",
        "nesterov=yes",
        "milestones=50;75",
        "milestones=-50",
        "model_args={num_kernels: 4}",
        "model_args=4",
        "optimizer=Adam",
        "=5",
    ],
)
def test_words_that_make_no_value_are_refused_in_one_sentence(pair):
    with pytest.raises(ConfigError) as caught:
        parse_changes([pair])
    assert pair.partition("=")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_form_can_be_built_from_the_specs():
    assert [spec.name for spec in field_specs()] == [item.name for item in dataclasses.fields(TrainConfig)]
    assert {spec.name for spec in field_specs() if spec.main} == set(MAIN_FIELDS)
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted([*grouped, *MAIN_FIELDS]) == sorted(SPECS)
    for spec in field_specs():
        assert bool(spec.group) != spec.main and (spec.main or spec.name in GROUPS[spec.group])
        assert spec.default == getattr(TrainConfig(), spec.name)
        assert spec.help.endswith(".")
        assert not spec.choices or spec.default in spec.choices
        assert spec.type is not float or (spec.minimum is not None and spec.maximum is not None)


@pytest.mark.parametrize(("sizes", "wrong"), [((), "''"), ((8,), "'8'"), ((32, 33), "'32,33'")])
def test_image_sizes_out_of_their_limits_are_refused(sizes, wrong):
    with pytest.raises(ConfigError, match=f"image_sizes is {wrong}; it must be sides from 16 to 32"):
        TrainConfig(image_sizes=sizes)


def test_image_sizes_take_equal_parts_of_the_run():
    config = TrainConfig(epochs=7, image_sizes=(20, 26, 32))
    assert [config.image_size(epoch) for epoch in range(1, 8)] == [20, 20, 20, 26, 26, 32, 32]
    assert [TrainConfig(epochs=2).image_size(epoch) for epoch in (1, 2)] == [32, 32]
    assert [config.replace(epochs=1).image_size(1)] == [20]


@pytest.mark.parametrize("views", [3, 5])
def test_numbers_of_views_that_do_not_exist_are_refused(views):
    with pytest.raises(ConfigError, match=f"tta is {views}; it must be 1, 2 or 6"):
        TrainConfig(tta=views)


def test_work_counts_steps_by_the_area_of_their_pictures():
    config = TrainConfig(epochs=3, image_sizes=(16, 24, 32))
    quarter, more = 0.25, 0.5625
    assert config.work(0, 10) == 0
    assert config.work(4, 10) == pytest.approx(4 * quarter)
    assert config.work(10, 10) == pytest.approx(10 * quarter)
    assert config.work(15, 10) == pytest.approx(10 * quarter + 5 * more)
    assert config.work(30, 10) == pytest.approx(10 * (quarter + more + 1))
    assert TrainConfig(epochs=3).work(17, 10) == 17


def test_settings_of_earlier_versions_are_read_under_their_new_names():
    old = {**TrainConfig().to_json(), "watched": "test", "views": 6, "views_below": 0.5}
    for name in ("monitored", "tta", "tta_below"):
        del old[name]
    config = TrainConfig.from_json(old)
    assert (config.monitored, config.tta, config.tta_below) == ("test", 6, 0.5)
    assert parse_changes(["views=2", "watched=test"]) == {"tta": 2, "monitored": "test"}
