"""Every setting has a label in words."""

from cifar_core.config import field_specs
from demo.shared.setting_labels import LABELS, label_setting


def test_every_setting_has_a_label_of_its_own():
    names = [spec.name for spec in field_specs()]
    assert sorted(LABELS) == sorted(names)
    assert len(set(LABELS.values())) == len(names)


def test_the_name_stands_beside_the_label_once():
    assert label_setting("lr") == "Learning rate (lr)"
    assert label_setting("batch_size") == "Batch size"
    assert label_setting("of another version") == "of another version"
