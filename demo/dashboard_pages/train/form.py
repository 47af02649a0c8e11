"""The form of a recipe's settings: a widget for each, and what was changed.

Widgets keep their values under "set:<recipe>:<field>", so that every recipe has its own form.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cifar_core.config import ConfigError, FieldSpec, TrainConfig, field_specs, parse_changes
from cifar_core.recipes import Recipe
from cifar_core.recipes.sizes import known_models
from cifar_core.settings import GROUPS, MAIN_FIELDS, as_text
from demo.shared.setting_labels import label_setting
from demo.widgets.panels import plain

ELSEWHERE = ("recipe", "data", "own_images")  # chosen outside the form, or found
WRITTEN = (tuple, dict, str)  # types that are typed as text
MOST = 2**53 - 1  # whole numbers beyond it a browser rounds, and the field would keep its old value unsaid
SHORT = 16  # characters of a value that fit beside a name


def show_form(recipe: Recipe) -> dict[str, Any]:
    """Draw the form; the values in it, by field name, as the widgets hold them (not yet checked)."""
    _fill_in(recipe)
    specs = {spec.name: spec for spec in field_specs() if spec.name not in ELSEWHERE}
    main = [specs.pop(name) for name in MAIN_FIELDS]
    changed = changed_fields(recipe, current_values(recipe))
    values = _pairs(recipe, main, changed)
    with st.expander(_counting("More settings", list(specs), changed), key=f"more:{recipe.name}"):
        for title, names in GROUPS.items():
            group = [name for name in names if name in specs]
            st.markdown(f"**{_counting(title, group, changed)}**")
            values |= _pairs(recipe, [specs[name] for name in group], changed)
    return values


def _counting(title: str, names: Sequence[str], changed: set[str]) -> str:
    """A title, and how many of the settings under it were changed."""
    count = sum(name in changed for name in names)
    return f"{title}, {count} changed" if count else title


def checked_config(recipe: Recipe, values: Mapping[str, Any], data: str) -> TrainConfig:
    """The recipe's settings with the form's values; raises ConfigError with one sentence."""
    typed = {spec.name: _parsed(spec, values[spec.name]) for spec in field_specs() if spec.name in values}
    return recipe.config.replace(**typed, data=data)


def changed_fields(recipe: Recipe, values: Mapping[str, Any]) -> set[str]:
    """Names of the fields whose widget does not hold the recipe's value."""
    return {name for name, value in values.items() if value != _widget_value(recipe, name)}


def current_values(recipe: Recipe) -> dict[str, Any]:
    """The values in a recipe's form, by field name."""
    names = [spec.name for spec in field_specs() if spec.name not in ELSEWHERE]
    return {name: st.session_state[_key(recipe, name)] for name in names}


def back_to_recipe(recipe: Recipe) -> None:
    """Set every widget of the form to the recipe's value."""
    for spec in field_specs():
        if spec.name not in ELSEWHERE:
            st.session_state[_key(recipe, spec.name)] = _widget_value(recipe, spec.name)


def fill_in(recipe: Recipe, config: TrainConfig) -> None:
    """Put settings into the form, and their pictures beside it (before either is drawn)."""
    st.session_state[f"data:{recipe.name}"] = config.data
    for spec in field_specs():
        if spec.name not in ELSEWHERE:
            set_value(recipe, spec.name, _as_widget(getattr(config, spec.name)))


def set_value(recipe: Recipe, name: str, value: Any) -> None:
    """Put a value into a widget of the form (in a callback, before the form is drawn)."""
    st.session_state[_key(recipe, name)] = value


def limits(spec: FieldSpec) -> str:
    """The range of a setting in words, "" where it has none."""
    unit = f" {spec.unit}" if spec.unit else ""
    if spec.minimum is None:
        return ""
    if spec.maximum is None:
        return f"{spec.minimum:,g} or more{unit}"
    form = ",.0f" if spec.type is int else "g"
    return f"{spec.minimum:{form}} to {spec.maximum:{form}}{unit}"


def _key(recipe: Recipe, name: str) -> str:
    return f"set:{recipe.name}:{name}"


def _fill_in(recipe: Recipe) -> None:
    """Give every widget that was not drawn before the recipe's value."""
    for spec in field_specs():
        if spec.name not in ELSEWHERE and _key(recipe, spec.name) not in st.session_state:
            st.session_state[_key(recipe, spec.name)] = _widget_value(recipe, spec.name)


def _widget_value(recipe: Recipe, name: str) -> Any:
    return _as_widget(getattr(recipe.config, name))


def _as_widget(value: Any) -> Any:
    return as_text(value) if isinstance(value, WRITTEN) else value


def _pairs(recipe: Recipe, specs: list[FieldSpec], changed: set[str]) -> dict[str, Any]:
    """Fields two by two, in reading order also where the two columns become one."""
    values = {}
    for index in range(0, len(specs), 2):
        for column, spec in zip(st.columns(2), specs[index : index + 2], strict=False):
            with column:
                values[spec.name] = _widget(recipe, spec, spec.name in changed)
    return values


def label_of(recipe: Recipe, spec: FieldSpec, changed: bool) -> str:
    """The field in words with its name, and what it was changed from if that is short."""
    name = plain(label_setting(spec.name))
    default = as_text(_widget_value(recipe, spec.name))
    short = f" from {default}" if default and len(default) <= SHORT else ""
    return f"{name} · changed{plain(short)}" if changed else name


def help_of(recipe: Recipe, spec: FieldSpec) -> str:
    """The field's help: its effect, its range and the recipe's value."""
    default, allowed = as_text(_widget_value(recipe, spec.name)) or "none", limits(spec)
    return plain(f"{spec.help} {f'Allowed: {allowed}. ' if allowed else ''}Recipe: {default}.")


def _widget(recipe: Recipe, spec: FieldSpec, changed: bool) -> Any:
    """Number fields take any number: limits are checked with the whole config, so nothing typed is lost."""
    label = label_of(recipe, spec, changed)
    kept: Any = {
        "key": _key(recipe, spec.name),
        "help": help_of(recipe, spec),
        "persist_state": "session",
    }
    if spec.name == "model":
        return st.selectbox(label, known_models(), **kept)
    if spec.choices:
        return st.selectbox(label, spec.choices, **kept)
    if spec.type is bool:
        return st.checkbox(label, **kept)
    if spec.type in WRITTEN:
        return st.text_input(label, **kept)
    if spec.type is int:
        return st.number_input(label, min_value=-MOST, max_value=MOST, step=1, **kept)
    return st.number_input(label, step=_step(getattr(recipe.config, spec.name)), format="%g", **kept)


def _step(value: float) -> float:
    """The change of one press of + or -: a tenth of the value's magnitude."""
    return float(10.0 ** (math.floor(math.log10(abs(value))) - 1)) if value else 0.01


def _parsed(spec: FieldSpec, value: Any) -> Any:
    if spec.type in WRITTEN and isinstance(value, str):
        return parse_changes([f"{spec.name}={value}"])[spec.name]
    if value is None:
        raise ConfigError(f"{label_setting(spec.name)} is empty; give a value, or reset to the recipe.")
    return value
