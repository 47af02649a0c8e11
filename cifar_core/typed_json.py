"""JSON back into dataclasses, each value checked against its field: files may be damaged or made up."""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def build(kind: type[T], document: Any) -> T:
    """An instance of the dataclass `kind` from the JSON object that holds its values.

    Fields may be plain types, lists, dicts and dataclasses of them, Any, or one of these `| None`.

    Raises:
        TypeError: with words that end a sentence, when a value is missing, unknown or of another type.
    """
    if not isinstance(document, Mapping):
        raise TypeError(f"{document!r:.60} is not a JSON object")
    wanted = _fields(kind)  # type: ignore[arg-type]
    if unknown := document.keys() - wanted.keys():
        raise TypeError(f"{kind.__name__} has no value called {min(unknown)!r:.60}")
    return kind(**{name: _typed(name, wanted[name], value) for name, value in document.items()})


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    return {item.name: item.type for item in dataclasses.fields(kind)}


@functools.cache
def _parts(wanted: Any) -> tuple[Any, tuple[Any, ...]]:
    """`list[int]` -> (list, (int,)); a plain type has no arguments."""
    return typing.get_origin(wanted) or wanted, typing.get_args(wanted)


def _typed(name: str, wanted: Any, value: Any) -> Any:
    """`value`, of the type `wanted`; a whole number passes for a number."""
    if type(value) is wanted:
        return value
    plain, inner = _parts(wanted)
    if plain is types.UnionType:
        return None if value is None else _typed(name, inner[0], value)
    if plain is Any:
        return value
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        return build(plain, value)  # type: ignore[arg-type]
    if not isinstance(value, (int, float) if plain is float else plain) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r:.60}, not of the type {plain.__name__}")
    if isinstance(value, list):
        kind = inner[0]
        return [item if type(item) is kind else _typed(name, kind, item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(name, inner[1], item) for key, item in value.items()}
    return value
