"""Networks are made by name, and a wrong name or argument is answered with what is right."""

import pytest

from cifar_core.models import (
    ImageClassifier,
    ModelError,
    create_model,
    describe_model,
    list_models,
    register_model,
    registry,
)


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_BUILDERS", {})


class Nothing(ImageClassifier):
    """No layers."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes


def test_a_builder_is_found_under_its_own_name(own_registry):
    @register_model
    def zebra(num_classes: int = 10, depth: int = 1) -> ImageClassifier:
        """Stripes of layers.

        More about them.
        """
        return Nothing(num_classes * depth)

    @register_model
    def ant(num_classes: int = 10) -> ImageClassifier:
        return Nothing(num_classes)

    assert list_models() == ["ant", "zebra"]
    assert create_model("zebra", num_classes=3, depth=2).num_classes == 6
    assert describe_model("zebra") == "Stripes of layers."
    assert describe_model("ant") == ""
    assert create_model("ant") is not create_model("ant")


def test_a_name_is_given_once(own_registry):
    def zebra(num_classes: int = 10) -> ImageClassifier:
        return Nothing(num_classes)

    register_model(zebra)
    with pytest.raises(ModelError, match="'zebra' is registered already"):
        register_model(zebra)
    assert list_models() == ["zebra"]


@pytest.mark.parametrize("ask", [create_model, describe_model])
def test_an_unknown_name_is_answered_with_the_names_that_exist(ask):
    with pytest.raises(ModelError, match=r"no network 'resnet50'.*mixing_6"):
        ask("resnet50")


@pytest.mark.parametrize(
    "arguments",
    [
        {"depth": 3},
        {"num_kernels": 0},
        {"num_kernels": -1},
        {"num_kernels": 2.5},
        {"num_kernels": "three"},
        {"num_classes": 0},
        {"widths": []},
        {"widths": 16},
        {"widths": [16, 0]},
        {"widths": [16.5]},
        {"widths": "wide"},
        {"activation": "relu"},
    ],
    ids=str,
)
def test_arguments_that_make_no_network_are_answered_in_one_sentence(arguments):
    with pytest.raises(ModelError, match="'mixing_lite' does not take these arguments: ") as caught:
        create_model("mixing_lite", **arguments)
    assert "\n" not in str(caught.value)


def test_a_rate_beyond_its_range_is_answered_in_one_sentence():
    with pytest.raises(ModelError, match=r"'mixing_4' does not take these arguments: .*2\.0"):
        create_model("mixing_4", dropout=2.0)


@pytest.mark.parametrize("name", list_models())
def test_every_network_is_described_in_a_sentence(name):
    assert len(describe_model(name)) > 20


def test_a_network_larger_than_the_memory_is_refused():
    with pytest.raises(ModelError, match="'mixing_lite' is larger than the memory"):
        create_model("mixing_lite", widths=[1_000_000, 1_000_000])
