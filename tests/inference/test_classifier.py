"""From pixels to classes: the same answer for one image and for many, with all that it rests on."""

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from cifar_core.checkpoint import save_checkpoint
from cifar_core.data import CLASS_NAMES
from cifar_core.data.synthetic import make_synthetic
from cifar_core.device import find_device
from cifar_core.errors import InferenceError
from cifar_core.images.crop import Crop, crop_box
from cifar_core.images.decode import fit_square
from cifar_core.inference import preprocess as subject
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.preprocess import to_pixels
from cifar_core.models import create_model
from cifar_core.models.normalization import NORMALIZATIONS
from cifar_core.training.batches import Batches
from cifar_core.training.evaluation import evaluate
from tests.support.toy_checkpoints import CARD, save_toy

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return Classifier.load(save_toy(tmp_path_factory.mktemp("toys") / "toy"), CPU)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (7, 3, 32, 32), np.uint8)


def picture(array):
    return Image.fromarray(array.transpose(1, 2, 0))


# Answers


def test_visitors_who_share_a_network_get_their_own_mix(classifier, pixels):
    alone = [classifier.predict(pixels[[number]])[0].mixing for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = [number for _ in range(25) for number in range(4)]
        together = pool.map(lambda number: classifier.predict(pixels[[number]])[0].mixing, numbers)
        for number, mixing in zip(numbers, together, strict=True):
            for block, shares in alone[number].items():
                assert mixing[block] == pytest.approx(shares, abs=1e-6)


def test_probabilities_are_those_of_the_network_on_normalized_images(classifier, pixels):
    card = classifier.card
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (card.mean, card.std))
    with torch.no_grad():
        logits = classifier.model((torch.from_numpy(pixels) / 255 - mean) / std)
    assert classifier.probs(pixels) == pytest.approx(logits.softmax(dim=1).numpy(), abs=1e-5)


def test_each_prediction_is_complete(classifier, pixels):
    probs = classifier.probs(pixels)
    for row, answer in enumerate(classifier.predict(pixels, top=4)):
        assert answer.probs == pytest.approx(probs[row], abs=1e-6) and answer.probs.sum() == pytest.approx(1)
        labels, shares = zip(*answer.top, strict=True)
        assert len(labels) == 4 and answer.label == labels[0] == CLASS_NAMES[probs[row].argmax()]
        assert list(shares) == sorted(probs[row].tolist(), reverse=True)[:4] == pytest.approx(list(shares))
        assert all(answer.probs[CLASS_NAMES.index(label)] == share for label, share in answer.top)
        assert list(answer.mixing) == classifier.model.mixing_blocks() == ["B1", "B2", "B3"]
        assert all(len(row) == 3 and sum(row) == pytest.approx(1) for row in answer.mixing.values())
        assert np.array_equal(answer.seen, pixels[row].transpose(1, 2, 0))


def test_mixing_differs_from_image_to_image(classifier, pixels):
    first, second = (answer.mixing["B3"] for answer in classifier.predict(pixels[:2]))
    assert first != second


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_batch_an_image_is_in_does_not_matter(classifier, pixels, monkeypatch, size):
    whole = classifier.predict(pixels)
    monkeypatch.setattr(subject, "BATCH_SIZE", size)
    for one, other in zip(classifier.predict(pixels), whole, strict=True):
        assert one.probs == pytest.approx(other.probs, abs=1e-5)
        assert all(one.mixing[name] == pytest.approx(other.mixing[name], abs=1e-5) for name in other.mixing)
    assert classifier.probs(pixels) == pytest.approx(np.stack([answer.probs for answer in whole]), abs=1e-5)


def test_a_card_may_ask_for_the_mirror_image_too(classifier, pixels):
    both = Classifier(classifier.model, dataclasses.replace(classifier.card, tta=2), CPU)
    mean = (classifier.probs(pixels) + classifier.probs(pixels[..., ::-1])) / 2
    assert both.probs(pixels) == pytest.approx(mean, abs=1e-5)
    assert both.probs(pixels[:1]) == pytest.approx(mean[:1], abs=1e-5)  # one picture: its views in one batch
    for images in (pixels, pixels[:1]):
        mixing = both.predict(images)[0].mixing
        assert mixing.keys() == classifier.predict(images)[0].mixing.keys() == {"B1", "B2", "B3"}
        for name, coefficients in classifier.predict(images)[0].mixing.items():
            assert mixing[name] == pytest.approx(coefficients, abs=1e-5)


def test_a_card_may_ask_for_views_of_unsure_pictures_alone(classifier, pixels):
    single, every = classifier.probs(pixels), with_views(classifier, 6, 1.0).probs(pixels)
    below = float(np.median(single.max(axis=1)))
    some = with_views(classifier, 6, below).probs(pixels)
    unsure = single.max(axis=1) < below
    assert 0 < unsure.sum() < len(pixels)
    assert some == pytest.approx(np.where(unsure[:, None], every, single), abs=1e-5)
    assert np.abs(every - single).max() > 1e-4


def with_views(classifier, views, tta_below):
    card = dataclasses.replace(classifier.card, tta=views, tta_below=tta_below)
    return Classifier(classifier.model, card, CPU)


def test_no_images_give_no_answers(classifier):
    for nothing in ([], (), np.zeros((0, 3, 32, 32), np.uint8), torch.zeros(0, 3, 32, 32, dtype=torch.uint8)):
        assert classifier.predict(nothing) == [] and classifier.probs(nothing).shape == (0, 10)


def test_more_classes_than_there_are_give_all(classifier, pixels):
    assert len(classifier.predict(pixels[:1], top=99)[0].top) == 10
    with pytest.raises(InferenceError, match="top is 0"):
        classifier.predict(pixels[:1], top=0)


def test_equal_probabilities_are_named_in_the_order_of_the_classes(classifier, pixels, monkeypatch):
    undecided = torch.zeros(1, 10), [torch.ones(1, 3)] * 3
    monkeypatch.setattr(classifier, "network", lambda images: undecided)
    assert [label for label, _ in classifier.predict(pixels[:1])[0].top] == list(CLASS_NAMES[:3])


# Images in every form


def test_arrays_tensors_and_pictures_are_the_same(classifier, pixels, tmp_path):
    expected = classifier.probs(pixels)
    stored = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, pixels.shape)
    stored[:] = pixels
    stored.flush()
    memmap, turned = np.load(tmp_path / "images.npy", "r"), pixels[:, :, ::-1].copy()[:, :, ::-1]
    pictures = [picture(one) for one in pixels]
    for form in (torch.from_numpy(pixels), pictures, iter(pictures), memmap, turned):
        assert np.array_equal(classifier.probs(form), expected)


def test_pictures_of_any_size_are_seen_as_fit_square_shows_them(classifier):
    large = Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 70, 3), np.uint8))
    (answer,) = classifier.predict([large])
    assert np.array_equal(answer.seen, np.asarray(fit_square(large, 32)))
    middle = large.crop(crop_box(large.size, Crop(zoom=4 / 3)))
    views = [classifier.predict([fit_square(view, 32)])[0] for view in (large, middle)]
    assert answer.probs == pytest.approx(np.mean([view.probs for view in views], axis=0), abs=1e-6)
    assert {block: pytest.approx(shares, abs=1e-6) for block, shares in answer.mixing.items()} == views[
        0
    ].mixing
    assert np.array_equal(classifier.probs([large]), answer.probs[None])


@pytest.mark.parametrize(("side", "crops"), [(32, 1), (63, 1), (64, 2)])
def test_only_large_pictures_are_seen_twice_and_in_the_order_given(side, crops):
    small = picture(np.random.default_rng(0).integers(0, 256, (3, 32, 32), np.uint8))
    large = picture(np.random.default_rng(1).integers(0, 256, (3, side, 100), np.uint8))
    found = crops_of([small, large, small])
    seen = found.pixels
    assert found.owners.tolist() == [0, *[1] * crops, 2]
    assert np.array_equal(seen[0].permute(1, 2, 0).numpy(), np.asarray(small))  # bit for bit
    assert torch.equal(seen[-1], seen[0]) and torch.equal(seen[1], to_pixels([large])[0])


def test_large_and_small_pictures_together_are_answered_as_alone(classifier, pixels):
    large = Image.fromarray(np.random.default_rng(2).integers(0, 256, (90, 70, 3), dtype=np.uint8))
    mixed = [picture(pixels[0]), large, picture(pixels[1]), large]
    together = classifier.predict(mixed)
    for answer, one in zip(together, mixed, strict=True):
        (alone,) = classifier.predict([one])
        assert answer.probs == pytest.approx(alone.probs, abs=1e-6)
        assert np.array_equal(answer.seen, alone.seen)
        for block, shares in alone.mixing.items():
            assert answer.mixing[block] == pytest.approx(shares, abs=1e-6)


def test_gray_pictures_count_as_rgb(classifier):
    gray = Image.linear_gradient("L")
    assert np.array_equal(classifier.probs([gray]), classifier.probs([gray.convert("RGB")]))


def test_answers_and_images_share_no_memory(classifier, pixels):
    array = pixels.copy()
    for form in (array, torch.from_numpy(array)):
        classifier.predict(form)[0].seen[:] = 0
        assert np.array_equal(array, pixels)


REFUSED = {
    "floats": np.zeros((1, 3, 32, 32)),
    "channels last": np.zeros((1, 32, 32, 3), np.uint8),
    "one image": np.zeros((3, 32, 32), np.uint8),
    "another size": torch.zeros(1, 3, 64, 64, dtype=torch.uint8),
    "one picture": Image.new("RGB", (32, 32)),
    "a path": ["cat.png"],
    "a word": "cat.png",
    "transparency": [Image.new("RGBA", (32, 32), (255, 0, 0, 0))],
    "16 bits": [Image.new("I;16", (32, 32))],
    "real numbers": [Image.new("F", (32, 32))],
}


@pytest.mark.parametrize("images", REFUSED.values(), ids=REFUSED.keys())
def test_other_forms_are_refused_in_one_sentence(classifier, images):
    with pytest.raises(InferenceError) as refused:
        classifier.predict(images)
    assert len(str(refused.value).splitlines()) == 1


def test_pixels_keep_their_places():
    array = np.zeros((1, 3, 32, 32), np.uint8)
    array[0, 2, 5, 7] = 200  # blue, row 5, column 7
    assert picture(array[0]).getpixel((7, 5)) == (0, 0, 200)
    assert np.array_equal(to_pixels([picture(array[0])]).numpy(), array)


# Measuring


def test_evaluation_equals_the_definition(classifier, monkeypatch):
    monkeypatch.setattr(subject, "BATCH_SIZE", 8)
    random = np.random.default_rng(2)
    images, targets = random.integers(0, 256, (30, 3, 32, 32), np.uint8), random.integers(0, 9, 30)
    result = classifier.evaluate(images, targets)
    probs = classifier.probs(images)
    answers = probs.argmax(axis=1)
    assert result.n == 30 and result.accuracy == np.mean(answers == targets)
    expected = cross_entropy(torch.from_numpy(probs).log(), torch.from_numpy(targets)).item()
    assert result.loss == pytest.approx(expected, abs=1e-4)
    document = result.to_json()
    assert sum(map(sum, document["confusion"])) == 30
    for true, guess in zip(targets, answers, strict=True):
        document["confusion"][true][guess] -= 1
    assert not np.any(document["confusion"])
    for number, name in enumerate(CLASS_NAMES):
        mine = targets == number
        share = document["per_class"][name]
        assert share is None if not mine.any() else share == pytest.approx(np.mean(answers[mine] == number))
    assert document["per_class"]["truck"] is None  # no truck among them


def test_evaluation_agrees_with_the_one_while_training(tmp_path):
    """A toy mixing network after some steps, so that its batch norms have seen something."""
    data = make_synthetic(0, 96, 40)
    model = create_model("mixing_lite", widths=[4, 8])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    batches = Batches(data.train.images, data.train.targets, NORMALIZATIONS["half"], 32, CPU)
    for images, targets in itertools.chain(*map(batches.epoch, range(2))):
        optimizer.zero_grad()
        cross_entropy(model(images), targets).backward()
        optimizer.step()
    card = dataclasses.replace(CARD, mean=[0.5] * 3, std=[0.5] * 3)
    save_checkpoint(tmp_path / "toy", model, card)
    held_out = Batches(data.test.images, data.test.targets, NORMALIZATIONS["half"], 16, CPU)
    steps = evaluate(model, held_out.in_order(), find_device("fp32", only_cpu=True))
    with pytest.raises(StopIteration) as end:
        for _ in itertools.repeat(None):
            next(steps)
    while_training = end.value.value
    afterwards = Classifier.load(tmp_path / "toy", CPU).evaluate(data.test.images, data.test.targets)
    assert afterwards.n == while_training.n == 40
    assert afterwards.accuracy == while_training.accuracy
    assert afterwards.loss == pytest.approx(while_training.loss, abs=1e-5)


def test_evaluation_needs_as_many_targets_as_images(classifier, pixels):
    for images, targets in ((pixels, np.zeros(6, np.int64)), (pixels[:0], np.zeros(0, np.int64))):
        with pytest.raises(InferenceError, match="at least one"):
            classifier.evaluate(images, targets)


def test_training_mode_and_gradients_stay_out(classifier, pixels):
    assert not classifier.model.training
    logits, mixing = classifier.run(torch.from_numpy(pixels))
    assert not logits.requires_grad and all(not block.requires_grad for block in mixing)
    assert np.array_equal(classifier.probs(pixels), classifier.probs(pixels))
