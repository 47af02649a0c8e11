"""Augmentations of whole batches do to each image what a plain loop over its pixels does."""

import pytest
import torch

from cifar_core.augment import cutout, flip, shift


@pytest.fixture(params=[torch.uint8, torch.float32], ids=["uint8", "float32"])
def images(request):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(1, 256, (6, 3, 8, 7), generator=generator)  # no zero: black is always ours
    return pixels.to(request.param)


def test_flip_mirrors_the_chosen_images_alone(images):
    chosen = torch.tensor([True, False, True, False, False, True])
    flipped = flip(images, chosen)
    for row, mirrored in enumerate(chosen):
        for column in range(7):
            source = 6 - column if mirrored else column
            assert torch.equal(flipped[row, :, :, column], images[row, :, :, source])


def test_flipping_twice_changes_nothing(images):
    chosen = torch.tensor([True, False] * 3)
    assert torch.equal(flip(flip(images, chosen), chosen), images)


@pytest.mark.parametrize("padding", [1, 3])
def test_shift_agrees_with_cropping_each_image_from_a_black_frame(images, padding):
    generator = torch.Generator().manual_seed(1)
    offsets = torch.randint(0, 2 * padding + 1, (6, 2), generator=generator)
    offsets[0], offsets[1] = 0, 2 * padding  # the furthest corners
    shifted = shift(images, offsets, padding)
    for number, (down, right) in enumerate(offsets.tolist()):
        frame = images.new_zeros(3, 8 + 2 * padding, 7 + 2 * padding)
        frame[:, padding:-padding, padding:-padding] = images[number]
        assert torch.equal(shifted[number], frame[:, down : down + 8, right : right + 7])


def test_the_offset_of_the_middle_leaves_images_as_they_are(images):
    assert torch.equal(shift(images, torch.full((6, 2), 2), padding=2), images)


@pytest.mark.parametrize("size", [1, 4])
def test_cutout_blackens_the_square_and_nothing_else(images, size):
    corners = torch.tensor([[0, 0], [2, 3], [-2, -1], [7, 6], [5, -3], [-9, 20]])
    cut = cutout(images, corners, size)
    for number, (top, left) in enumerate(corners.tolist()):
        for row in range(8):
            for column in range(7):
                inside = top <= row < top + size and left <= column < left + size
                expected = torch.zeros(3) if inside else images[number, :, row, column]
                assert torch.equal(cut[number, :, row, column].float(), expected.float())


def test_batches_keep_their_type_and_their_originals(images):
    before = images.clone()
    changed = [
        flip(images, torch.ones(6, dtype=torch.bool)),
        shift(images, torch.zeros(6, 2, dtype=torch.int64), 2),
        cutout(images, torch.ones(6, 2, dtype=torch.int64), 3),
    ]
    assert [batch.dtype for batch in changed] == [images.dtype] * 3
    assert not any(torch.equal(batch, images) for batch in changed)
    assert torch.equal(images, before)
