"""A run's epochs in the forms of two earlier works."""

from cifar_core.runs.events import Epoch
from cifar_core.runs.results import epoch_lines, extremes, extremes_table
from tests.support.texts import says

FIGURES = [  # train loss, train accuracy, test loss, test accuracy
    (1.5, 0.45, 1.40, 0.50),
    (0.9, 0.70, 0.80, 0.72),
    (0.4, 0.88, 0.85, 0.74),
    (0.3, 0.86, 0.99, 0.74),
]
EPOCHS = [
    Epoch(number, 10 * number, *figures, lr=0.1, seconds=2.5, val_seconds=0.5, network_seconds=1.0)
    for number, figures in enumerate(FIGURES, start=1)
]


def test_each_row_is_the_first_best_epoch_with_all_its_figures():
    rows = extremes(EPOCHS, "test")
    assert [(row[""], row["epoch"]) for row in rows] == [
        ("min training loss", 4),
        ("max training accuracy", 3),
        ("min test loss", 2),
        ("max test accuracy", 3),
    ]
    assert rows[2] == {
        "": "min test loss",
        "epoch": 2,
        "train loss": 0.9,
        "train accuracy": 0.70,
        "test loss": 0.80,
        "test accuracy": 0.72,
    }


def test_the_table_has_four_rows_under_a_head():
    lines = extremes_table(extremes(EPOCHS, "test")).splitlines()
    assert len(lines) == 6 and len({len(line) for line in lines}) == 1
    assert "test accuracy" in lines[0] and "0.3000" in lines[2] and "72.00 %" in lines[4]
    assert "val accuracy" in extremes_table(extremes(EPOCHS, "val"))


def test_before_the_first_epoch_there_is_a_sentence():
    assert extremes([], "val") == []
    assert says(extremes_table([]), "No epoch")


def test_lines_count_the_seconds_from_the_start():
    lines = epoch_lines(EPOCHS, "test")
    assert [line["seconds"] for line in lines] == [2.5, 5.0, 7.5, 10.0]
    assert lines[1] == {
        "epoch": 2,
        "train_loss": 0.9,
        "train_accuracy": 0.70,
        "test_loss": 0.80,
        "test_accuracy": 0.72,
        "lr": 0.1,
        "seconds": 5.0,
    }
