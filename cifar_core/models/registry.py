"""Names for networks: a decorator that registers a builder, and the two functions that use the names."""

from collections.abc import Callable
from typing import Any

from cifar_core.errors import LabError
from cifar_core.models.base import ImageClassifier

Builder = Callable[..., ImageClassifier]
_BUILDERS: dict[str, Builder] = {}


class ModelError(LabError):
    """A network that does not exist, or arguments that it does not take."""

    exit_code = 2


def register_model(builder: Builder) -> Builder:
    """Register a function under its own name; it takes `num_classes` and returns an ImageClassifier."""
    if builder.__name__ in _BUILDERS:
        raise ModelError(f"A network '{builder.__name__}' is registered already; choose another name.")
    _BUILDERS[builder.__name__] = builder
    return builder


def list_models() -> list[str]:
    """Names of all networks, sorted."""
    return sorted(_BUILDERS)


def create_model(name: str, /, **arguments: Any) -> ImageClassifier:
    """A new network with random weights.

    Raises:
        ModelError: for an unknown name, bad arguments, or a network that does not fit into memory.
    """
    if name not in _BUILDERS:
        raise ModelError(f"There is no network '{name}'; the networks are: {', '.join(list_models())}.")
    try:
        return _BUILDERS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(f"The network '{name}' does not take these arguments: {error}") from None
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            words = f"The network '{name}' is larger than the memory here: {arguments}"
            raise ModelError(f"{words}; choose smaller model_args, or another network.") from None
        raise


def describe_model(name: str) -> str:
    """The first sentence of the network's docstring."""
    if name not in _BUILDERS:
        raise ModelError(f"There is no network '{name}'; the networks are: {', '.join(list_models())}.")
    return (_BUILDERS[name].__doc__ or "").strip().split("\n")[0]
