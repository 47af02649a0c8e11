"""Responses: answers and networks as JSON, the same from the command line, the page and its API.

None has a value called "path": Gradio's client takes what has one for a file, and fetches it.
"""

import functools
from typing import Any

import torch

from cifar_core.checkpoint import list_checkpoints, load_card, resolve_checkpoint, weights_version
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.images.crop import Crop
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.prediction import Prediction
from cifar_core.models import count_macs, count_parameters, create_model, describe_model, list_models

WHOLE = Crop()


def prediction_response(
    picture: str,
    prediction: Prediction,
    classifier: Classifier,
    crop: Crop = WHOLE,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """An answer with all that it takes to get it again.

    picture: its name. network, version: the checkpoint and its weights' hash. top: the likeliest
    classes. known, sure, ood_score: see Prediction. crop: which part of the picture; side, part:
    where beside the middle the answer was found, in words and as a crop, None for the middle. notes: the
    decoder's.
    """
    return {
        "picture": picture,
        "network": classifier.name,
        "version": classifier.version,
        "top": [{"label": label, "probability": probability} for label, probability in prediction.top],
        "known": prediction.known,
        "sure": prediction.sure,
        "side": prediction.part.side if prediction.part else None,
        "part": prediction.part.crop.to_json() if prediction.part else None,
        "ood_score": prediction.ood_score,
        "mixing": prediction.mixing,
        "crop": crop.to_json(),
        "notes": list(notes),
    }


def error_response(picture: str, sentence: str) -> dict[str, Any]:
    """In place of an answer: why there is none."""
    return {"picture": picture, "error": sentence}


def models_response() -> list[dict[str, Any]]:
    """Every kind of network with its size, and the trained ones of its kind that are here."""
    trained: dict[str, list[dict[str, Any]]] = {}
    for name in list_checkpoints():
        kind, response = _checkpoint_response(name)
        trained.setdefault(kind, []).append(response)
    return [{**row, "checkpoints": trained.get(row["name"], [])} for row in _architectures()]


def _checkpoint_response(name: str) -> tuple[str, dict[str, Any]]:
    folder = resolve_checkpoint(name)
    card = load_card(folder)
    return card.model, {
        "name": name,
        "version": weights_version(folder),
        "default": name == DEFAULT_CHECKPOINT,
        "parameters": card.parameters,
        "macs": card.macs,
        "classes": card.class_names,
        "metrics": card.metrics,
    }


@functools.cache
def _architectures() -> tuple[dict[str, Any], ...]:
    rows = []
    for name in list_models():
        with torch.device("meta"):  # shapes without numbers: nothing is drawn or computed
            model = create_model(name)
        figures = {"parameters": count_parameters(model), "macs": count_macs(model)}
        rows.append({"name": name, **figures, "summary": describe_model(name)})
    return tuple(rows)
