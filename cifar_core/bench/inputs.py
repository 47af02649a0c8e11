"""`bench input`: an epoch's batches, cut, augmented and normalized, beside torchvision's DataLoader."""

from collections.abc import Callable, Iterable
from typing import Any

from cifar_core.bench.plain import tutorial_loader
from cifar_core.bench.report import TORCHVISION_MISSING, Report, Row, Section, has_torchvision, setting_of
from cifar_core.config import TrainConfig
from cifar_core.device import find_device
from cifar_core.estimate.steps import drawn_pictures
from cifar_core.estimate.timing import Notify, interleave, rate, ratios, timed
from cifar_core.models.normalization import NORMALIZATIONS
from cifar_core.runs.store import RunStore
from cifar_core.training.batches import Augmentation, Batches

IMAGES, SAMPLE = 20_000, 1000  # in an epoch; to see how many fit
WORKERS = (0, 2)
OWN = "batches as shipped"


def bench_input(seconds: float, store: RunStore, notify: Notify) -> Report:
    """Images a second of whole epochs; the DataLoader's processes are started before."""
    config, device = TrainConfig(augmentation="flip_crop"), find_device("fp32")
    setting = setting_of(device, store)
    images = epoch_size(config, seconds)
    pictures = drawn_pictures(images)
    data = pictures.images, pictures.targets
    normalization = NORMALIZATIONS[config.normalization]
    augmentation = Augmentation.of(config)
    own = Batches(*data, normalization, config.batch_size, device.torch_device, augmentation)
    calls: dict[str, Callable[[], Any]] = {}
    if has_torchvision():
        for workers in WORKERS:
            loader = tutorial_loader(*data, config, workers)
            calls[loader_name(workers)] = lambda loader=loader: exhaust(loader)  # type: ignore[misc]
    calls[OWN] = lambda: exhaust(own.epoch(1))
    samples = interleave(calls, seconds, "epochs of input", notify, device.synchronize)
    section = _section(samples, images, config)
    missing = [] if has_torchvision() else [TORCHVISION_MISSING]
    return Report("input", setting, [section], _conclusion(section), missing)


def epoch_size(config: TrainConfig, seconds: float) -> int:
    """As many images as let three rounds fit into `seconds`; IMAGES at most."""
    few = drawn_pictures(SAMPLE)
    if not has_torchvision():
        return IMAGES
    loader = tutorial_loader(few.images, few.targets, config, workers=0)
    each = timed(lambda: exhaust(loader)) / SAMPLE
    return max(SAMPLE, min(IMAGES, int(seconds / 10 / each) // 1000 * 1000))


def loader_name(workers: int) -> str:
    """The row of a DataLoader."""
    return f"torchvision DataLoader, {workers} workers"


def exhaust(batches: Iterable[Any]) -> None:
    """Go through all batches, as a loop without a network would."""
    for _ in batches:
        pass


def _section(samples: dict[str, list[float]], images: int, config: TrainConfig) -> Section:
    baseline = next(iter(samples))
    rows = []
    for name, taken in reversed(samples.items()):
        figures = {"images": rate(taken, images)}
        if len(samples) > 1:
            figures["gain"] = ratios(samples[baseline], taken)
        rows.append(Row(name, figures))
    columns = {"images": "images a second"}
    if len(samples) > 1:
        columns["gain"] = "times 0 workers"
    title = f"Epochs of {images:,} images: mirror, shift, normalize; batch {config.batch_size}"
    return Section(title, columns, rows)


def _conclusion(section: Section) -> str:
    rows = {row.name: row.figures for row in section.rows}
    own = rows.pop(OWN)
    words = f"Here the batches of an epoch come at {own['images'].median:,.0f} images a second"
    if not rows:
        return f"{words}."
    best = max(figures["images"].median for figures in rows.values())
    return f"{words}, {own['images'].median / best:.1f} times the better of the two DataLoaders."
