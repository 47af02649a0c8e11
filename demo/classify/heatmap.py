"""Where a network looked: Grad-CAM laid on the picture as it was sent, not on its 32 × 32 pixels."""

import base64
import io

import numpy as np
import torch
from PIL import Image

from cifar_core.explain.saliency import grad_cam
from cifar_core.images.crop import Crop, crop_box, turned
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.prediction import Prediction
from demo.shared.pictures import heated

LONGEST = 320  # pixels of the picture that is shown
DIM = 0.3  # brightness of what the network did not see


def heatmap_uri(classifier: Classifier, picture: Image.Image, crop: Crop, prediction: Prediction) -> str:
    """The address of a JPEG: the RGB picture in gray, its square bright where it speaks for the answer."""
    whole = turned(picture, crop.turn)
    shrink = min(1.0, LONGEST / max(whole.size))
    size = (max(1, round(whole.width * shrink)), max(1, round(whole.height * shrink)))
    box = crop_box(whole.size, crop)
    inner = tuple(round(edge * shrink) for edge in box)
    shown = _dimmed(whole.resize(size))
    side = (max(1, inner[2] - inner[0]), max(1, inner[3] - inner[1]))
    part = np.asarray(whole.resize(side, Image.Resampling.BICUBIC, box=box))
    heat = Image.fromarray(heat_of(classifier, prediction)).resize(side, Image.Resampling.BICUBIC)
    lit = heated(part, np.asarray(heat).clip(0, 1))
    shown.paste(Image.fromarray(lit), (inner[0], inner[1]))
    return _jpeg_uri(shown)


def heat_of(classifier: Classifier, prediction: Prediction) -> np.ndarray:
    """Heat map (32, 32) float32 in 0..1 for the likeliest class of an answer."""
    pixels = torch.from_numpy(prediction.seen.copy()).permute(2, 0, 1)[None]  # (1, 3, 32, 32)
    images = classifier.normalize(pixels.to(classifier.device))
    number = torch.tensor([classifier.class_names.index(prediction.label)], device=classifier.device)
    heat: np.ndarray = grad_cam(classifier.model, images, number)[0].float().cpu().numpy()
    return heat


def _dimmed(picture: Image.Image) -> Image.Image:
    return picture.convert("L").point(lambda value: round(DIM * value)).convert("RGB")


def _jpeg_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
