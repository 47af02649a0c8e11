"""A data folder that is wrong: an error that names it, wherever the photographs are needed."""

import pytest

from cifar_core.recipes import get_recipe
from tests.support.page_tests import button, page, words
from tests.support.toy_checkpoints import save_toy

PLACES = [
    ("train", {}),
    ("learn", {"step": "1"}),
    ("learn", {"step": "2"}),
    ("learn", {"step": "4"}),
    ("basics", {}),
    ("try_network", {}),
    ("mixing", {"part": "picture"}),
    ("mixing", {"part": "whatif"}),
    ("understand", {}),
]


@pytest.fixture
def network(store, tmp_path):
    """A shipped network of the photographs."""
    config = get_recipe("mixing_lite").config.to_json()
    return save_toy(tmp_path / "shipped" / "net.v1", config=config)


@pytest.mark.parametrize(("name", "query"), PLACES)
def test_a_wrong_folder_in_the_variable_is_named_in_an_error(network, monkeypatch, tmp_path, name, query):
    monkeypatch.setenv("CIFAR_DATA", str(tmp_path / "nowhere"))
    app = page(name, **query)
    errors = "\n".join(error.value for error in app.error).replace("\\", "")
    assert "CIFAR_DATA" in errors and str(tmp_path / "nowhere") in errors
    assert "download" not in words(app).replace("downloading is switched off", "").replace("hf download", "")


@pytest.mark.parametrize(
    ("name", "query", "label"), [("train", {}, "Train"), ("learn", {"step": "2"}, "Train it")]
)
def test_nothing_can_be_trained_from_a_wrong_folder(store, monkeypatch, tmp_path, name, query, label):
    monkeypatch.setenv("CIFAR_DATA", str(tmp_path / "nowhere"))
    assert button(page(name, **query), label).disabled
    monkeypatch.delenv("CIFAR_DATA")
    assert not button(page(name, **query), label).disabled


def test_without_a_named_folder_it_is_no_error(network):
    for name, query in PLACES:
        assert not page(name, **query).error
