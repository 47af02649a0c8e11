"""Augmentations of whole batches do to each image what a plain loop over its pixels does."""

import pytest
import torch

from cifar_core.training.augment import cutout, flip, jitter, resize, shift


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


@pytest.mark.parametrize("padding", [1, 3])
def test_a_reflecting_shift_agrees_with_torchs_reflection(images, padding):
    generator = torch.Generator().manual_seed(1)
    offsets = torch.randint(0, 2 * padding + 1, (6, 2), generator=generator)
    offsets[0], offsets[1] = 0, 2 * padding
    shifted = shift(images, offsets, padding, reflect=True)
    frames = torch.nn.functional.pad(images.float(), (padding,) * 4, "reflect")
    for number, (down, right) in enumerate(offsets.tolist()):
        assert torch.equal(shifted[number].float(), frames[number, :, down : down + 8, right : right + 7])


def test_jitter_adds_brightness_then_multiplies_by_contrast():
    images = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    changed = jitter(images, torch.tensor([0.0, 0.5, -1.0]), torch.tensor([1.0, 2.0, 0.5]))
    assert torch.equal(changed[0], images[0])
    torch.testing.assert_close(changed[1], (images[1] + 0.5) * 2)
    torch.testing.assert_close(changed[2], (images[2] - 1) * 0.5)


def test_resizing_keeps_means_and_flat_areas_and_leaves_the_same_size_alone():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = resize(images, 16)
    assert small.shape == (2, 3, 16, 16)
    torch.testing.assert_close(small.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(resize(torch.full((1, 3, 32, 32), 0.3), 20), torch.full((1, 3, 20, 20), 0.3))
    stripes = (torch.arange(32) % 2).float().expand(1, 3, 32, 32)
    assert (resize(stripes, 16) - 0.5).abs().mean() < 0.1  # finer than the grid: gray, no moiré
    assert resize(images, 32) is images


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
