"""A mix as text: what is written is read back, what fits no block is left out, shares stay shares."""

import numpy as np
import pytest

from cifar_core.explain.mixing import Mix
from demo.dashboard_pages.mixing.hand_mix import (
    BY_HAND,
    EVEN,
    core_mix,
    describe_mixes,
    from_text,
    preset_of,
    presets,
    rebalanced,
    to_text,
)
from tests.support.texts import says

BLOCKS = {"B1": 2, "B2": 3}


def test_what_is_written_is_read_back():
    mixes = {"B1": (0.25, 0.75), "B2": 1}
    assert to_text(mixes) == "B1:0.25,0.75 B2:off2"
    assert from_text(to_text(mixes), BLOCKS) == mixes
    thirds = {"B2": (1 / 3, 1 / 3, 1 / 3)}
    assert from_text(to_text(thirds), BLOCKS)["B2"] == pytest.approx((1 / 3,) * 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "B9:1,0",
        "B1:1",
        "B1:0,0",
        "B1:off3",
        "B1:off0",
        "B1:1.2.3,0",
        "B1:,",
        "B1:7,0",
        "B1:nan,1",
        "<b>:1,0",
        "B1:-1,0",
    ],
)
def test_what_fits_no_block_is_left_out(text):
    assert from_text(text, BLOCKS) == {}
    assert from_text(f"{text} B2:off1", BLOCKS) == {"B2": 0}


def test_shares_of_every_size_survive_the_address():
    generator = np.random.default_rng(0)
    for scale in (0.1, 1, 10):
        scores = generator.normal(0, scale, (200, 3))
        for shares in np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True):
            mixes = {"B2": tuple(float(share) for share in shares)}
            assert from_text(to_text(mixes), BLOCKS)["B2"] == pytest.approx(mixes["B2"], abs=2e-4)


def test_shares_are_made_to_sum_to_one_and_sigmoids_are_not():
    assert from_text("B1:1,1", BLOCKS) == {"B1": (0.5, 0.5)}
    assert from_text("B1:1,1", BLOCKS, shares=False) == {"B1": (1, 1)}


def test_a_moved_share_lets_the_others_make_room():
    assert rebalanced((0.2, 0.2, 0.6), 0, 0.6, True) == pytest.approx((0.6, 0.1, 0.3))
    assert rebalanced((1.0, 0.0, 0.0), 0, 0.5, True) == pytest.approx((0.5, 0.25, 0.25))
    assert rebalanced((0.3, 0.7), 1, 1.0, True) == (0, 1)
    assert rebalanced((0.3, 0.7), 0, 0.9, False) == (0.9, 0.7)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_named_setting_is_known_by_its_name(count):
    for name, setting in presets(count).items():
        if count > 1:
            assert preset_of(setting, count) == name
    assert preset_of((0.9,) + (0.1 / 4,) * 4, 5) == BY_HAND
    assert preset_of((0.333, 0.333, 0.334), 3) == EVEN


def test_the_mix_in_words():
    assert says(describe_mixes({}, BLOCKS), "as predicted")
    assert says(describe_mixes({"B2": 1}, BLOCKS), "B2", "without kernel 2", "as predicted")
    both = {"B1": (0.0, 1.0), "B2": (0.2, 0.3, 0.5)}
    assert says(describe_mixes(both, BLOCKS), "B1", "only kernel 2", "B2", "0.20, 0.30", "0.50")
    even = {"B1": (0.5, 0.5), "B2": (1 / 3,) * 3}
    assert describe_mixes(even, BLOCKS) == "B1, B2: even."


def test_the_core_takes_the_same_mix():
    assert core_mix({"B1": (0.25, 0.75), "B2": 1}) == Mix({"B1": (0.25, 0.75)}, {"B2": (1,)})
