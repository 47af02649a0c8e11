"""A person's own words for a run are kept whole, checked, and never stand between a reader and the run."""

import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.labels import FILE, Labels, read_labels, tags_in, write_labels
from cifar_core.runs.store import RunStore, StoreError


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create(TrainConfig())


def test_labels_come_back(run):
    assert read_labels(run) == Labels()
    labels = Labels("Größer, K = 4", ["wide", "v1.2", "überprüft"], "first line\n* second, <b>third</b>")
    write_labels(run, labels)
    assert read_labels(run) == labels
    write_labels(run, Labels())
    assert read_labels(run) == Labels()


@pytest.mark.parametrize(
    ("words", "tags"),
    [("Baseline, wide  wide", ["baseline", "wide"]), ("", []), (" , ,", []), (["B", "a", "b"], ["b", "a"])],
)
def test_tags_are_found_in_words(words, tags):
    assert tags_in(words) == tags


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"name": "x" * 61}, "The name has 61 letters; at most 60"),
        ({"name": "two\nlines"}, r"The name holds U\+000A"),
        ({"name": "\u202eevil"}, r"The name holds U\+202E"),
        ({"note": "x" * 2001}, "The note has 2,001 letters; at most 2,000"),
        ({"note": "bell\a"}, r"The note holds U\+0007"),
        ({"tags": ["two words"]}, "'two words' is no tag: a tag is one word"),
        ({"tags": ["-"]}, "'-' is no tag"),
        ({"tags": ["x" * 25]}, "at most 24 letters"),
        ({"tags": [f"t{number}" for number in range(9)]}, "There are 9 tags; a run has at most 8"),
    ],
)
def test_what_cannot_be_kept_is_said_in_one_sentence(labels, sentence):
    with pytest.raises(StoreError, match=sentence) as refused:
        Labels(**labels)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"name": 5}', '{"tags": "a"}', '{"title": "x"}', "\0"])
def test_damaged_labels_are_said(run, content):
    (run.path / FILE).write_text(content)
    with pytest.raises(StoreError, match=r"labels\.json"):
        read_labels(run)
    write_labels(run, Labels("anew"))
    assert read_labels(run).name == "anew"


def test_a_shipped_run_keeps_its_name(run):
    (run.path / "card.json").write_text("{}")
    with pytest.raises(StoreError, match="came with the project"):
        write_labels(run, Labels("mine"))
    assert not (run.path / FILE).exists()


def test_a_folder_that_is_gone_is_said(run):
    run.path.rename(run.path.with_name("elsewhere"))
    with pytest.raises(StoreError, match="cannot be written"):
        write_labels(run, Labels("mine"))
