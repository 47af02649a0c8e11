"""The model card of a checkpoint as the Hub shows it: written from card.json, with nothing typed by hand."""

import html

from cifar_core.checkpoint import Card
from cifar_core.datasets import DATA_SETS
from cifar_core.format import duration, table
from cifar_core.metrics.photographs import MEASURES, OTHERS

SPLIT_TEXT = {"val": "validation (cut from the training images)", "test": "test"}
SETTINGS = (
    *("optimizer", "lr", "batch_size", "weight_decay", "schedule", "augmentation"),
    *("label_smoothing", "precision"),
)
USE = """\
## Use

```python
from cifar_core import Classifier, decode_image

classifier = Classifier.from_pretrained("{repo}")  # revision="…" pins a commit
picture = decode_image(open("photo.jpg", "rb").read())
classifier.predict([picture])[0].top
```

`config.json` is the checkpoint's card, `model.safetensors` its weights; the normalization is in the card. \
There is no pickle here, and none is ever read.
"""


def model_card(card: Card, repo: str) -> str:
    """README.md for the Hub: the block that the Hub reads (with the model-index), then words for people."""
    from huggingface_hub import EvalResult, ModelCardData

    known = DATA_SETS.get(str(card.config.get("data")))
    if known and len(card.class_names) > 1 and set(card.class_names) < set(known.class_names):
        known = known.only(card.class_names)
    data_id = (known.whole.hub.repo or known.name) if known else "unknown"
    data_name = known.title if known else card.data_source
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=data_id,
            dataset_name=data_name,
            dataset_split=split,
            metric_type=kind,
            metric_value=measured[kind],
        )
        for split, measured in card.metrics.items()
        for kind in ("accuracy", "loss")
    ]
    head = ModelCardData(
        license="apache-2.0",
        library_name="cifar10-lab",
        pipeline_tag="image-classification",
        tags=[*([known.whole.name] if known else []), "image-classification", "safetensors", card.model],
        datasets=[data_id] if "/" in data_id else None,
        metrics=["accuracy"],
        model_name=repo.rpartition("/")[2],
        eval_results=results or None,
    )
    parts = [
        _what(card, repo, data_name),
        USE.format(repo=repo),
        _results(card),
        _training(card, data_name),
        _limits(card),
    ]
    return "\n".join([f"---\n{head.to_yaml()}\n---\n", *parts])


def _what(card: Card, repo: str, data_name: str) -> str:
    classes = html.escape(", ".join(card.class_names), quote=False)
    return (
        f"# {repo.rpartition('/')[2]}\n\n"
        f"A `{card.model}` network of CIFAR-10 Lab for images of 32 × 32 pixels, trained on {data_name}. "
        f"It has {card.parameters / 1e6:.2f} M parameters; a picture takes {card.macs / 1e6:.1f} M "
        "multiply-accumulates.\n\n"
        f"Its {len(card.class_names)} classes: {classes}.\n"
    )


def _results(card: Card) -> str:
    if not card.metrics:
        return "## Results\n\nNothing has been measured yet.\n"
    rows = [
        (
            SPLIT_TEXT.get(split, split),
            f"{100 * one['accuracy']:.2f} %",
            f"{one['loss']:.3f}",
            f"{one['n']:,.0f}",
        )
        for split, one in card.metrics.items()
    ]
    views = "one view" if card.tta == 1 else f"up to {card.tta} views"
    return (
        f"## Results\n\n{table([('images', 'accuracy', 'cross-entropy', 'number'), *rows])}\n\n"
        f"One run (seed {card.seed}); an answer averages {views} of a picture.\n{_on_photographs(card)}"
    )


def _on_photographs(card: Card) -> str:
    """A table of what was measured on photographs; empty where nothing was."""
    measured = card.photographs or {}
    rows = [(*words, measured.get(key)) for key, words in MEASURES.items()]
    for kind, others in measured.get("others", {}).items():
        rows += [(f"{kind} {name}", words, others.get(key)) for key, (name, words) in OTHERS.items()]
        rows.append((f"{kind} AUROC", "of the OOD score, against the classes", others.get("auroc")))
    cells = [
        (name, f"{100 * one['value']:.1f} ± {100 * one['error']:.1f} % of {one['n']:,}", words)
        for name, words, one in rows
        if one
    ]
    heads = ("photographs", "share ± standard error", "not learned from")
    return f"\n{table([heads, *cells])}\n" if cells else ""


def _training(card: Card, data_name: str) -> str:
    settings = ", ".join(f"{name} {card.config[name]}" for name in SETTINGS if name in card.config)
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    read_from = f", read from {card.data_source}" if card.data_source != data_name else ""
    return (
        f"## Training\n\nRecipe `{card.recipe}`: epoch {card.epoch} of {card.config.get('epochs', '?')}, "
        f"{duration(card.wall_time_seconds)} on {card.device} in {card.precision}. Settings: {settings}. "
        f"Versions: {versions}.\n\n"
        f"Data: {data_name}{read_from} (fingerprint `{card.data_fingerprint[:16]}`). "
        f"`config.json` holds all settings.\n"
    )


def _limits(card: Card) -> str:
    others = "shown anything else, it names one of them all the same, sometimes with great certainty."
    if card.ood:
        others = (
            "an image that is strange to it counts as none of these (`known` is false), as do "
            f"{100 * card.ood.false_alarms:.2f} % of {card.ood.images:,} held-out images of its own "
            "classes; of any other thing it names a class all the same, sometimes with great certainty."
        )
    lines = [
        f"It knows {len(card.class_names)} classes and nothing else: {others}",
        "It sees the middle square of a picture, shrunk to 32 × 32 pixels; small things vanish.",
        "It learned from small photographs of one collection; drawings, close-ups and damage mislead it.",
        "Made for teaching and for experiments. No decision about people or safety should rest on it.",
        *card.notes,
    ]
    return "\n".join(["## Limits\n", *(f"- {line}" for line in lines), ""])
