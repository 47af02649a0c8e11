"""Who is ahead is said with the pictures behind it, and not where chance may have made the difference."""

from cifar_core.metrics.uncertainty import Accuracy
from demo.shared.ranking import best_first, close_to_best, describe_lead, pictures_of, with_points
from tests.support.texts import says

FIRST, NEAR, FAR = (
    ("first", Accuracy(0.943, 10_000)),
    ("near", Accuracy(0.9403, 10_000)),
    ("far", Accuracy(0.9, 500)),
)


def test_the_pictures_are_counted_and_named():
    assert pictures_of([Accuracy(0.5, 10_000)]) == "10,000 test pictures"
    several = [Accuracy(0.5, 2_000, "validation"), Accuracy(0.5, 500, "validation")]
    assert says(pictures_of(several), "500", "2,000", "validation")
    assert says(pictures_of([*several, Accuracy(0.5, 500)]), "validation", "test")


def test_only_what_chance_explains_is_close():
    runs = [FAR, NEAR, FIRST]
    assert [name for name, _ in best_first(runs)] == ["first", "near", "far"]
    assert close_to_best(runs) == [FIRST, NEAR] and close_to_best([FAR]) == [FAR]


def test_the_lead_is_told_or_that_there_is_none():
    assert says(describe_lead([FAR]), "far", "90.00 %", "500 test")
    assert says(describe_lead([FAR, FIRST]), "first", "94.30 %", "4.30 points above far")
    tie = describe_lead([FAR, NEAR, FIRST])
    assert says(tie, "first and near", "too close", "94.30 %", "94.03 %") and "ahead" not in tie


def test_points_behind_come_with_their_doubt():
    assert "too close" not in with_points(FIRST[1], FAR[1])
    assert says(with_points(FIRST[1], NEAR[1]), "0.27 points behind", "too close")
