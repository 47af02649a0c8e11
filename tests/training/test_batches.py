"""Batches: each image once, order and changes from (seed, epoch) alone, pixels as the numbers say."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from cifar_core.augment import PhotoChanges, cutout, flip, jitter, resize, shift
from cifar_core.models.normalization import NORMALIZATIONS, Normalization
from cifar_core.training.batches import Augmentation, Batches, Draws

PLAIN = Normalization((0.0,) * 3, (1 / 255,) * 3)  # pixels stay what they are
CPU = torch.device("cpu")
ALL = Augmentation(mirror=True, padding=3, cutout_size=9, jitter=0.2)
PHOTO = Augmentation(*(True, True, 2, True, 8, 0.2), photo=PhotoChanges((0.6, 1.2), 0.3, 0.8, 0.4, 0.5))


def numbered(n):
    """n images, each filled with its own number, which is its target as well."""
    images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 3, 32, 32))
    return images, np.arange(n, dtype=np.int64)


def drawn(n, seed=0):
    """n images of random pixels."""
    generator = np.random.default_rng(seed)
    return generator.integers(1, 256, (n, 3, 32, 32), dtype=np.uint8), np.arange(n, dtype=np.int64)


def batches(split, batch_size=8, augmentation=None, seed=0, normalization=PLAIN):
    return Batches(*split, normalization, batch_size, CPU, augmentation, seed)


def joined(parts):
    images, targets = zip(*parts, strict=True)
    return torch.cat(images), torch.cat(targets)


@pytest.mark.parametrize(("n", "batch_size"), [(40, 8), (43, 8), (5, 8), (2, 2)])
def test_an_epoch_shows_every_image_once_with_its_target(n, batch_size):
    train = batches(numbered(n), batch_size)
    parts = list(train.epoch(1))
    assert len(parts) == len(train)
    assert [len(targets) for _, targets in parts[:-1]] == [batch_size] * (len(parts) - 1)
    images, targets = joined(parts)
    assert sorted(targets.tolist()) == list(range(n))
    assert torch.equal(images[:, 0, 0, 0].round().long(), targets)
    assert images.shape == (n, 3, 32, 32)


def test_a_last_training_batch_of_one_image_is_left_out_another_one_each_epoch():
    train = batches(numbered(17))
    left_out = set()
    for epoch in range(1, 9):
        _, targets = joined(train.epoch(epoch))
        assert len(targets) == len(set(targets.tolist())) == 16
        left_out |= set(range(17)) - set(targets.tolist())
    assert len(train) == 2
    assert len(left_out) > 1


def test_evaluation_shows_every_image_in_its_own_order_unchanged():
    split = drawn(17)
    images, targets = joined(batches(split, augmentation=ALL).in_order())
    assert torch.equal(targets, torch.arange(17))
    torch.testing.assert_close(images, torch.tensor(split[0]).float(), rtol=1e-6, atol=1e-4)


def test_order_and_changes_depend_on_seed_and_epoch():
    split = drawn(24)
    first = joined(batches(split, augmentation=ALL, seed=3).epoch(5))
    torch.manual_seed(99)  # the global state counts for nothing ...
    before = torch.get_rng_state()
    again = joined(batches(split, augmentation=ALL, seed=3).epoch(5))
    assert torch.equal(torch.get_rng_state(), before)  # ... and is left alone
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    for seed, epoch in ((3, 6), (4, 5), (4, 4), (5, 3)):
        other = joined(batches(split, augmentation=ALL, seed=seed).epoch(epoch))
        assert not torch.equal(first[1], other[1])


def test_epochs_leave_no_trace_on_later_ones():
    train = batches(drawn(24), augmentation=ALL)
    fresh = joined(train.epoch(2))
    next(train.epoch(1))
    list(train.epoch(3))
    assert torch.equal(joined(train.epoch(2))[0], fresh[0])


def test_the_order_does_not_depend_on_the_changes_or_the_batch_size():
    split = drawn(24)
    plain = joined(batches(split).epoch(1))[1]
    changed = joined(batches(split, batch_size=5, augmentation=ALL).epoch(1))[1]
    assert torch.equal(plain, changed)


def test_the_changes_do_not_depend_on_the_batch_size():
    split = drawn(24)
    small = joined(batches(split, batch_size=5, augmentation=ALL).epoch(1))[0]
    assert torch.equal(small, joined(batches(split, batch_size=8, augmentation=ALL).epoch(1))[0])


@pytest.mark.parametrize("augmentation", [ALL, PHOTO], ids=["all", "photo"])
@pytest.mark.parametrize("start", [0, 1, 3, 5, 6])
def test_an_epoch_from_the_middle_equals_the_rest_of_the_whole(start, augmentation):
    train = batches(drawn(43), augmentation=augmentation)
    whole, rest = list(train.epoch(4))[start:], list(train.epoch(4, start=start))
    assert len(rest) == len(whole) == 6 - start
    for (images, targets), (same_images, same_targets) in zip(whole, rest, strict=True):
        assert torch.equal(images, same_images) and torch.equal(targets, same_targets)


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(),
        Augmentation(mirror=True),
        Augmentation(padding=4),
        Augmentation(mirror=True, padding=4),
        Augmentation(mirror=True, padding=2, cutout_size=8),
    ],
    ids=["none", "flip", "crop", "flip_crop", "flip_crop_cutout"],
)
def test_a_batch_is_its_images_shifted_then_mirrored_then_cut(augmentation):
    split = drawn(20)
    draws = Draws.of_epoch(20, seed=1, epoch=2, augmentation=augmentation)
    expected = torch.tensor(split[0])[draws.order]
    if augmentation.padding:
        expected = shift(expected, draws.offsets, augmentation.padding)
    if augmentation.mirror:
        expected = flip(expected, draws.flips)
    if augmentation.cutout_size:
        expected = cutout(expected, draws.corners, augmentation.cutout_size)
    images, _ = joined(batches(split, augmentation=augmentation, seed=1).epoch(2))
    torch.testing.assert_close(images, expected.float(), rtol=1e-6, atol=1e-4)


def test_the_changes_of_the_speed_recipes_are_applied_in_their_order():
    split = drawn(20)
    augmentation = Augmentation(mirror=True, alternate=True, padding=2, reflect=True, jitter=0.3)
    draws = Draws.of_epoch(20, seed=1, epoch=2, augmentation=augmentation)
    expected = flip(shift(torch.tensor(split[0])[draws.order], draws.offsets, 2, reflect=True), draws.flips)
    changes = 0.3 * draws.jitters
    expected = resize(jitter(expected.float(), changes[:, 0], 1 + changes[:, 1]), 20)
    train = Batches(*split, PLAIN, 8, CPU, augmentation, 1, size_of=lambda epoch: {1: 16, 2: 20}[epoch])
    images, targets = joined(train.epoch(2))
    torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-3)
    assert torch.equal(targets, draws.order)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert next(train.epoch(1))[0].shape == (8, 3, 16, 16)
    assert next(train.in_order())[0].shape == (8, 3, 32, 32)


def test_every_change_towards_photographs_has_its_own_numbers_and_can_be_off():
    split = drawn(20)
    plain = joined(batches(split, augmentation=Augmentation(), seed=1).epoch(2))
    values = {"crops": (0.5, 0.8), "stretch": 0.5, "sharpness": 0.9, "saturation": 0.9, "jpeg": 1.0}
    for change in values.items():
        augmentation = Augmentation(photo=PhotoChanges(**dict([change])))
        changed = joined(batches(split, augmentation=augmentation, seed=1).epoch(2))
        again = joined(batches(split, augmentation=augmentation, seed=1).epoch(2))
        assert torch.equal(changed[1], plain[1]) and torch.equal(changed[0], again[0])
        differ = (changed[0] - plain[0]).abs().mean(dim=(1, 2, 3))
        assert (differ > 0.5).float().mean() > 0.8 and len(differ.unique()) > 15
        assert changed[0].min() >= -1e-3 and changed[0].max() <= 255.001
    some = joined(batches(split, augmentation=Augmentation(photo=PhotoChanges(jpeg=0.5)), seed=1).epoch(2))[0]
    same = (some - plain[0]).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 3 < same.sum() < 17


def test_a_teacher_is_shown_the_crop_before_it_is_spoiled_and_its_answer_comes_with_the_batch():
    seen = []

    def teacher(images):
        seen.append(images)
        return images.mean(dim=(2, 3))

    split = drawn(20)
    train = Batches(*split, PLAIN, 8, CPU, PHOTO, 1, lambda epoch: 20, teacher)
    images, targets, taught = next(train.epoch(1))
    assert images.shape == (8, 3, 20, 20) and seen[0].shape == (8, 3, 32, 32)
    assert torch.equal(taught, seen[0].mean(dim=(2, 3)))
    only = PhotoChanges(PHOTO.photo.crops, PHOTO.photo.stretch)
    crops = dataclasses.replace(PHOTO, cutout_size=0, jitter=0.0, photo=only)
    alone, same_targets = next(batches(split, augmentation=crops, seed=1).epoch(1))
    torch.testing.assert_close(seen[0], alone, rtol=1e-5, atol=1e-3)
    assert torch.equal(targets, same_targets)


def test_alternating_flips_turn_every_image_the_other_way_each_epoch():
    augmentation = Augmentation(mirror=True, alternate=True)
    by_image = []
    for epoch in (1, 2, 3):
        draws = Draws.of_epoch(1000, 7, epoch, augmentation)
        flips = torch.empty(1000, dtype=torch.bool)
        flips[draws.order] = draws.flips
        by_image.append(flips)
    assert torch.equal(by_image[0], ~by_image[1]) and torch.equal(by_image[0], by_image[2])
    assert by_image[0].float().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("size", [1, 8, 9, 24])
def test_draws_cover_their_ranges_evenly(size):
    draws = Draws.of_epoch(20_000, 0, 1, Augmentation(mirror=True, padding=4, cutout_size=size))
    assert sorted(draws.order.tolist()) == list(range(20_000))
    assert draws.flips.float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert draws.photos.amin(dim=0).max() < 0.01 and draws.photos.amax(dim=0).min() > 0.99
    assert draws.jitters.min() < -0.99 and draws.jitters.max() > 0.99
    for offsets in draws.offsets.T:
        counts = torch.bincount(offsets, minlength=9)
        assert len(counts) == 9 and counts.min() > 0.85 * 20_000 / 9
    for corners in draws.corners.T:  # as much of the square may hang over one edge as over the other
        over_the_first, over_the_last = -corners.min().item(), corners.max().item() + size - 32
        assert over_the_first == size // 2 == over_the_last
    assert draws.offsets[:, 0].ne(draws.offsets[:, 1]).any()


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalization_subtracts_the_mean_and_divides_by_the_std(name):
    normalization = NORMALIZATIONS[name]
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(256, 3, 1, 1)
    expected = (pixels / 255 - np.reshape(normalization.mean, (3, 1, 1))) / np.reshape(
        normalization.std, (3, 1, 1)
    )
    result = normalization(torch.tensor(pixels))
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, atol=2e-6)


def test_half_normalization_reaches_from_minus_one_to_one():
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    low, high = NORMALIZATIONS["half"](pixels)
    torch.testing.assert_close(low.flatten(), torch.full((3,), -1.0))
    torch.testing.assert_close(high.flatten(), torch.full((3,), 1.0))


def test_the_numbers_of_cifar10_are_those_of_its_training_images(real_data_dir):
    from cifar_core.data import load_data

    pixels = load_data(real_data_dir).train.images[::10].astype(np.float64) / 255
    normalization = NORMALIZATIONS["cifar10"]
    np.testing.assert_allclose(pixels.mean(axis=(0, 2, 3)), normalization.mean, atol=5e-3)
    np.testing.assert_allclose(pixels.std(axis=(0, 2, 3)), normalization.std, atol=5e-3)


def test_batches_lie_channels_last_and_leave_the_store_alone():
    train = batches(drawn(8), augmentation=ALL)
    before = train.images.clone()
    images, targets = next(train.epoch(1))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert (images.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert torch.equal(train.images, before)


def test_a_read_only_memory_map_is_taken_without_a_warning():
    images, targets = numbered(4)
    images = images.copy()
    images.setflags(write=False)
    targets.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert batches((images, targets)).num_images == 4


def test_outliers_follow_the_batch_and_leave_it_as_it_is():
    plain, odd = (batches(drawn(40), 8, dataclasses.replace(PHOTO, outliers=share)) for share in (0.0, 0.5))
    for (images, targets), (more, same) in zip(plain.epoch(3), odd.epoch(3), strict=True):
        assert torch.equal(targets, same) and torch.equal(images, more[:8])
        assert len(more) == 12 and (more[8:] != images[:4]).flatten(1).any(dim=1).all()
    again = next(odd.epoch(3))[0]
    assert torch.equal(again, next(odd.epoch(3))[0])
    assert odd.seen(3).shape[0] == 8
    few = batches(drawn(40), 8, dataclasses.replace(PHOTO, outliers=0.1))
    assert len(next(few.epoch(3))[0]) == 8, "noise takes two images"
