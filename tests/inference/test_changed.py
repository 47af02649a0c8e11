"""Changed images are as many, differ each in its own way, and are the same again from the same seed."""

import numpy as np

from cifar_core.inference.changed import changed, inner


def drawn(count):
    smooth = np.random.default_rng(0).random((count, 3, 4, 4))
    return (255 * smooth.repeat(8, axis=2).repeat(8, axis=3)).astype(np.uint8)


def test_the_seed_alone_decides():
    images = drawn(6)
    first = changed(images)
    assert first.dtype == np.uint8 and first.shape == images.shape
    np.testing.assert_array_equal(first, changed(images.copy()))
    assert (first != changed(images, seed=1)).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(images, drawn(6))  # the originals are left alone


def test_equal_images_are_changed_differently():
    copies = changed(np.repeat(drawn(1), 20, axis=0))
    assert len({one.tobytes() for one in copies}) == 20


def test_the_inner_part_is_three_quarters_of_the_side_enlarged():
    image = np.zeros((1, 3, 32, 32), np.uint8)
    image[:, :, 4:28, 4:28] = 200
    assert (inner(image)[:, :, 2:30, 2:30] > 190).all()
    image[:, :, 4:28, 4:28] = 0
    image[:, :, :3], image[:, :, 29:] = 255, 255
    assert inner(image).max() < 20
