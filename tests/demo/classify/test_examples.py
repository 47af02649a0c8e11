"""The examples: each answered right by the network that answers first, small, and shipped with its terms."""

import pytest

from cifar_core.data import CLASS_NAMES
from cifar_core.inference.classifier import Classifier
from demo.classify.examples import EXAMPLES, FOLDER, Example, credits_line
from demo.classify.render import is_none

TERMS = (FOLDER / "README.md").read_text(encoding="utf-8")
MOST_SIDE, MOST_BYTES = 400, 40_000
SHOWS = {  # example -> its class; of a deer, a frog and a horse no photograph was found
    **{name: name for name in ("dog", "cat", "ship", "truck")},
    "parrot": "bird",
    "jet": "airplane",
    "car": "automobile",
    "sushi": "",
}


@pytest.fixture(scope="module")
def network() -> Classifier:
    return Classifier.load()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_the_default_network_is_right(example: Example, network: Classifier) -> None:
    (answer,) = network.predict([example.decoded().image], top=2)
    shows = SHOWS[example.name]
    assert is_none(answer) == (not shows) and answer.label == (shows or answer.label)


def test_every_photograph_is_small_and_named_with_its_terms() -> None:
    files = {one.file for one in EXAMPLES if one.file}
    assert files == {path.name for path in FOLDER.iterdir()} - {"README.md"}
    for one in EXAMPLES:
        if one.file:
            (row,) = [line for line in TERMS.splitlines() if line.startswith(f"| {one.file} |")]
            assert "CC0" in row or "public domain" in row
            assert one.by in credits_line() and one.by.partition(" (")[0] in row
            assert max(one.decoded().image.size) <= MOST_SIDE and one.path.stat().st_size <= MOST_BYTES


def test_they_show_the_ten_once_each_as_far_as_can_be_had_and_one_other_thing() -> None:
    shown = [SHOWS[one.name] for one in EXAMPLES]
    assert len(set(shown)) == len(shown) and set(shown) <= {"", *CLASS_NAMES} and "" in shown
