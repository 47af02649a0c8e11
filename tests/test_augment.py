"""Augmentations of whole batches do to each image what a plain loop over its pixels does."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.augment import (
    crop,
    cutout,
    estrange,
    flip,
    jitter,
    jpeg,
    resize,
    saturate,
    scramble,
    sharpen,
    shift,
    swap_quarters,
    turn,
)


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


# Nearer to photographs: pixels 0..255


@pytest.fixture
def pixels():
    return 255 * torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_a_crop_of_the_whole_changes_nothing(pixels):
    whole = crop(pixels, torch.ones(4, 2), torch.tensor([[0.0, 0.0], [1.0, -1.0]] * 2))
    torch.testing.assert_close(whole, pixels, atol=0.01, rtol=0)


def test_a_crop_shows_the_window_that_it_names():
    ramp = torch.linspace(0, 255, 32).expand(1, 3, 32, 32)  # brighter to the right
    columns = {
        place: crop(ramp, torch.tensor([[1.0, 0.5]]), torch.tensor([[0.0, place]]))[0, 0, 0]
        for place in (-1.0, 0.0, 1.0)
    }
    step = 255 / 31
    for place, start in ((-1.0, 0), (0.0, 8), (1.0, 16)):  # half of the width: 16 columns
        inner = columns[place][4:-4]
        expected = step * (start - 0.25 + torch.arange(32)[4:-4] / 2)
        torch.testing.assert_close(inner, expected, atol=0.5, rtol=0)  # bicubic bends a ramp a little
    tall = crop(ramp.transpose(2, 3), torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(tall[0, 0, :, 0], columns[1.0], atol=0.01, rtol=0)


def test_a_crop_beyond_the_image_surrounds_it_with_its_reflection(pixels):
    smooth = resize(resize(pixels, 8), 32)
    wide = crop(smooth, torch.full((4, 2), 2.0), torch.zeros(4, 2))
    middle = resize(smooth, 16)
    assert (wide[:, :, 9:23, 9:23] - middle[:, :, 1:15, 1:15]).abs().mean() < 3
    torch.testing.assert_close(wide[:, :, :8], wide[:, :, 8:16].flip(2), atol=0.01, rtol=0)


def test_sharpening_raises_fine_detail_and_leaves_flat_areas_alone():
    stripes = (64 + 64 * (torch.arange(32) % 2)).float().expand(3, 3, 32, 32)  # 64 and 128
    changed = sharpen(stripes, torch.tensor([-1.0, 0.0, 0.5]))[:, :, :, 4:-4]
    torch.testing.assert_close(changed[0], torch.full_like(changed[0], 96))
    torch.testing.assert_close(changed[1], stripes[1, :, :, 4:-4])
    assert {round(value) for value in changed[2].flatten().tolist()} == {48, 144}
    flat = torch.full((1, 3, 32, 32), 200.0)
    torch.testing.assert_close(sharpen(flat, torch.tensor([1.0])), flat)


def test_saturation_leaves_gray_alone_and_takes_all_color_at_0(pixels):
    gray = pixels.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(saturate(gray, torch.full((4,), 1.7)), gray)
    changed = saturate(pixels, torch.tensor([0.0, 1.0, 0.5, 0.0]))
    torch.testing.assert_close(changed[1], pixels[1])
    assert changed[0].std(dim=0).max() < 1e-3
    torch.testing.assert_close(changed[2], (saturate(pixels, torch.zeros(4))[2] + pixels[2]) / 2)


def test_jpeg_keeps_what_its_steps_can_hold_and_loses_more_the_lower_the_quality(pixels):
    losses = [
        (jpeg(pixels, torch.full((4,), float(quality))) - pixels).square().mean().sqrt().item()
        for quality in (100, 90, 50, 20)
    ]
    assert losses[0] < 1 and losses == sorted(losses)
    flat = torch.full((1, 3, 32, 32), 130.0)
    assert (jpeg(flat, torch.tensor([50.0])) - flat).abs().max() <= 1.01  # half a step of 16, over 8
    alone = jpeg(pixels[:1], torch.tensor([40.0]))
    both = jpeg(pixels[:2], torch.tensor([40.0, 90.0]))
    torch.testing.assert_close(both[:1], alone)


def test_jpeg_rounds_as_pillow_does():
    """Of a gray picture, where the format's own way with colors plays no part."""
    array = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=40)
    theirs = torch.from_numpy(np.array(Image.open(buffer))).float()
    ours = jpeg(torch.from_numpy(array).float().expand(1, 3, 32, 32), torch.tensor([40.0]))[0, 0]
    assert (ours - theirs).abs().mean() < 1 < math.sqrt((theirs - torch.from_numpy(array)).square().mean())


def test_quarter_turns_and_exchanged_quarters_keep_every_pixel():
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    turned = turn(images, torch.arange(4))
    for count in range(4):
        assert torch.equal(turned[count], images[count].rot90(count, (1, 2)))
    swapped = swap_quarters(images)
    assert torch.equal(swapped[:, :, :4, :4], images[:, :, 4:, 4:])
    assert torch.equal(swapped[:, :, 4:, :4], images[:, :, :4, 4:])


def test_noise_keeps_the_mean_color_and_the_spectrum_and_not_the_picture():
    generator = torch.Generator().manual_seed(0)
    images = 110 + 30 * torch.rand(5, 3, 32, 32, generator=generator)  # far from 0 and 255
    noise = scramble(images)
    torch.testing.assert_close(noise.mean((2, 3)), images.mean((2, 3)), atol=1e-2, rtol=0)
    spectra = [torch.fft.rfft2(one).abs()[..., 1:16] for one in (images, noise)]  # the edges are real numbers
    torch.testing.assert_close(*spectra, atol=0.5, rtol=0.01)
    flat, other = (one.flatten(1) - one.flatten(1).mean(1, keepdim=True) for one in (images, noise))
    assert torch.cosine_similarity(flat, other).abs().max() < 0.2


def test_an_outlier_is_turned_or_shuffled_or_noise_by_its_draw():
    images = torch.randint(1, 256, (6, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    kinds = torch.tensor([0.0, 0.2, 0.4, 0.6, 0.7, 0.9])
    made = estrange(images, torch.stack([kinds, torch.full((6,), 0.99)], dim=1))
    assert torch.equal(made[:2], images[:2].rot90(3, (2, 3)).float())
    assert torch.equal(made[2:4], swap_quarters(images[2:4]).float())
    assert torch.equal(made[4:], scramble(images)[4:])
