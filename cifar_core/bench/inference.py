"""`bench infer`: from a picture's bytes to the answer, beside the plain way of doing it."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from cifar_core.bench.report import TORCHVISION_MISSING, Report, Row, Section, has_torchvision, setting_of
from cifar_core.checkpoint import Card, load_checkpoint, resolve_checkpoint
from cifar_core.cores import processors
from cifar_core.device import find_device
from cifar_core.errors import InferenceError
from cifar_core.estimate.steps import drawn_images
from cifar_core.estimate.timing import Notify, Statistic, interleave, ratios
from cifar_core.images.decode import decode_image
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.tta import tta_logits
from cifar_core.models import ImageClassifier
from cifar_core.runs.store import RunStore

BATCH = 250
SIDE = 256  # pixels of the one picture
CANDIDATES = 50  # drawn pictures, of which the surest and the least sure are taken
Way = Callable[[list[bytes]], object]  # from pictures' bytes to their answers
PLAIN, SHIPPED = "plain: eval mode, PIL, torchvision", "Classifier"


def bench_infer(
    checkpoint: str | None, seconds: float, store: RunStore, notify: Notify, batch: int = BATCH
) -> Report:
    """One picture of SIDE x SIDE pixels as JPEG bytes, and `batch` small ones; on one thread and on all.

    A network that takes further views of pictures of which it is unsure answers one picture of either kind.

    Raises:
        CheckpointError: when the checkpoint is missing or damaged.
    """
    folder = resolve_checkpoint(checkpoint)
    setting = setting_of(find_device("fp32"), store)
    left_out: list[str] = []
    loads = single_pictures(folder) | {f"A batch of {batch} small pictures": pngs(batch)}
    sections = []
    threads = sorted({1, torch.get_num_threads()})
    part = seconds / len(threads) / len(loads)
    for count in threads:
        with threads_set_to(count):
            ways, left_out = ways_of(folder)  # ONNX Runtime takes the number of threads when it loads
            for title, load in loads.items():
                words = f"{title}, {count} thread{'s' if count > 1 else ''}"
                sections.append(_section(words, interleave(_calls(ways, load), part, words, notify)))
    return Report("infer", setting, sections, _conclusion(folder, sections), left_out)


def _calls(ways: "dict[str, Way]", load: list[bytes]) -> dict[str, Callable[[], object]]:
    return {name: lambda way=way: way(load) for name, way in ways.items()}  # type: ignore[misc]


def ways_of(folder: Path) -> tuple[dict[str, Way], list[str]]:
    """(name -> from pictures' bytes to answers, sentences about what is missing)."""
    ways: dict[str, Way] = {}
    left_out = []
    if has_torchvision():
        ways[PLAIN] = plain_way(*load_checkpoint(folder))
    else:
        left_out.append(TORCHVISION_MISSING)
    ways[SHIPPED] = way_of(Classifier.load(folder))
    try:
        ways[f"{SHIPPED}, onnxruntime"] = way_of(Classifier.load(folder, backend="onnxruntime"))
    except InferenceError as error:
        left_out.append(str(error))
    return ways, left_out


def way_of(classifier: Classifier) -> Way:
    """This project's road: the one decoder, then the Classifier."""
    return lambda load: classifier.predict([decode_image(data) for data in load])


def plain_way(model: ImageClassifier, card: Card) -> Way:
    """Return the way that tutorials write: fp32, NCHW; with the card's views, as the Classifier has them."""
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.Resize(32),
            transforms.CenterCrop(32),
            transforms.ToTensor(),
            transforms.Normalize(card.mean, card.std),
        ]
    )
    model.eval()

    @torch.no_grad()
    def answer(load: list[bytes]) -> list[Any]:
        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in load]
        images = torch.stack([transform(picture) for picture in pictures])  # (N, 3, 32, 32)
        logits = tta_logits(model, images, model(images), card.tta, card.tta_below)
        found: list[Any] = logits.softmax(dim=1).topk(min(3, model.num_classes), dim=1).indices.tolist()
        return found

    return answer


@contextmanager
def threads_set_to(count: int) -> Iterator[None]:
    """While open, torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def single_pictures(folder: Path) -> dict[str, list[bytes]]:
    """The loads of one picture: title -> its bytes."""
    pictures = jpegs(CANDIDATES)
    classifier = Classifier.load(folder)
    if classifier.card.tta == 1 or classifier.card.tta_below >= 1:
        return {"One picture, from its bytes": pictures[:1]}
    views = classifier.card.tta
    classifier.card = dataclasses.replace(classifier.card, tta=1)  # as the network decides
    top = classifier.probs([decode_image(data) for data in pictures]).max(axis=1)
    sure, unsure = pictures[top.argmax()], pictures[top.argmin()]
    return {
        "One picture of which it is sure, from its bytes": [sure],
        f"One picture of which it is unsure ({views} views)": [unsure],
    }


def jpegs(count: int) -> list[bytes]:
    """Drawn pictures of SIDE x SIDE pixels."""
    found = []
    for image in drawn_images(2000).images[:count]:
        buffer = io.BytesIO()
        picture = Image.fromarray(image.transpose(1, 2, 0))
        picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        found.append(buffer.getvalue())
    return found


def pngs(count: int) -> list[bytes]:
    """Drawn pictures of 32 x 32 pixels."""
    found = []
    for image in drawn_images(2000).images[:count]:
        buffer = io.BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return found


def _section(title: str, samples: dict[str, list[float]]) -> Section:
    baseline = next(iter(samples))
    rows = []
    for name, taken in samples.items():
        figures = {"ms": Statistic.of([1000 * value for value in taken])}
        if baseline == PLAIN:
            figures["gain"] = ratios(samples[baseline], taken)
        rows.append(Row(name, figures))
    columns = {"ms": "ms"} | ({"gain": "times as quick as plain"} if baseline == PLAIN else {})
    return Section(title, columns, rows)


def _conclusion(folder: Path, sections: list[Section]) -> str:
    rows = {row.name: row.figures for row in sections[0].rows if row.name != PLAIN}
    name, figures = min(rows.items(), key=lambda item: item[1]["ms"].median)
    words = f"On one thread {folder.name} answers a picture in {figures['ms'].median:.1f} ms ({name})"
    if sections[1].title.startswith("One picture"):
        unsure = next(row for row in sections[1].rows if row.name == name)
        words += f", one of which it is unsure in {unsure.figures['ms'].median:.1f} ms"
    beside = f", {figures['gain'].median:.2f} times as quick as the plain way" if "gain" in figures else ""
    return f"{words}{beside}; this machine has {processors()} processors."
