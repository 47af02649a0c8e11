"""How large the recipes' networks are, for pages that show it without loading torch.

Counted by cifar_core.models.summary; tests/recipes/test_recipes.py builds each network and counts again.
"""

from dataclasses import dataclass

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.recipes.registry import FAST, get_recipe


@dataclass(frozen=True)
class Size:
    """Trainable numbers, and multiply-accumulates of one image."""

    parameters: int
    macs: int


_SIZES = {  # a fast recipe has the network of the one that it is named after
    "speed_mixing": Size(2_319_292, 84_557_648),
    "mixing_large": Size(3_943_100, 122_086_736),
    "speed94": Size(1_971_328, 118_147_360),
    "speed90": Size(1_971_328, 118_147_360),
    "mixing_lite": Size(1_796_424, 46_773_673),
    "smoke": Size(109_682, 7_937_945),
    "lesson_first": Size(268_650, 1_885_440),
    "lesson_overfit": Size(268_650, 1_885_440),
    "lesson_augment": Size(268_650, 1_885_440),
    "s1-mixing6": Size(3_485_029, 160_596_041),
    "s1-mixing11": Size(23_541_364, 352_482_377),
    "s3-model-a": Size(117_657, 39_831_817),
    "s3-model-b": Size(792_287, 99_217_609),
    "s2-vgg": Size(1_110_826, 87_917_824),
    "s2-resnet-light": Size(310_474, 69_437_952),
    "s2-resnet-heavy": Size(3_921_994, 130_197_504),
    "s2-resnext-3": Size(1_087_114, 148_329_472),
    "s2-resnext-4": Size(3_090_058, 164_247_552),
    "s2-densenet-g12": Size(508_447, 126_510_210),
    "s2-densenet-g16": Size(1_098_724, 223_561_740),
    "s4-scale": Size(108_208, 16_171_264),
    "s5-cnn-2": Size(268_650, 1_885_440),
    "s5-cnn-3": Size(156_074, 2_934_016),
    "s5-cnn-4": Size(164_394, 4_048_128),
}
_NETWORK = ("model", "model_args", "data")  # the data has its number of classes


def size_of(config: TrainConfig) -> Size | None:
    """The size of a config's network; None where that is not the network of the config's recipe."""
    try:
        own = get_recipe(config.recipe).config
    except ConfigError:
        return None
    if any(getattr(own, name) != getattr(config, name) for name in _NETWORK):
        return None
    return _SIZES.get(config.recipe) or _SIZES.get(config.recipe.removesuffix(FAST))
