"""A mix set by hand as text in the page's address, such as `B2:off1 B5:0.25,0.75`. Pure functions.

A block that is not named mixes as predicted. Kernels are counted from 1 here, as a reader sees them.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from demo.shared.format import listed

if TYPE_CHECKING:
    from cifar_core.explain.mixing import Mix

Setting = tuple[float, ...] | int  # K coefficients, or the kernel (from 0) that is switched off
Mixes = dict[str, Setting]

AS_PREDICTED, EVEN, BY_HAND = "As predicted", "Even", "By hand"
_PART = re.compile(r"(?P<block>\w+):(?:off(?P<off>\d{1,3})|(?P<values>[0-9.,]+))")


def to_text(mixes: Mapping[str, Setting]) -> str:
    """The text for the address; `from_text` reads it back, coefficients to four decimals."""
    parts = []
    for block, setting in mixes.items():
        words = f"off{setting + 1}" if isinstance(setting, int) else ",".join(map(_number, setting))
        parts.append(f"{block}:{words}")
    return " ".join(parts)


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def from_text(text: str, blocks: Mapping[str, int], shares: bool = True) -> Mixes:
    """The mix in a text, of `blocks` (block -> K); parts that fit no block are left out.

    shares: whether coefficients sum to 1; they are then made to.
    """
    mixes: Mixes = {}
    for part in text.split():
        match = _PART.fullmatch(part)
        if match is None or match["block"] not in blocks:
            continue
        setting = _setting(match, blocks[match["block"]], shares)
        if setting is not None:
            mixes[match["block"]] = setting
    return mixes


def _setting(match: re.Match[str], count: int, shares: bool) -> Setting | None:
    if match["off"]:
        kernel = int(match["off"]) - 1
        return kernel if 0 <= kernel < count and count > 1 else None
    try:
        values = [float(value) for value in match["values"].split(",")]
    except ValueError:
        return None
    if len(values) != count or any(value > 1 for value in values):
        return None
    return shared_out(values) if shares else tuple(values)


def shared_out(values: Sequence[float]) -> tuple[float, ...] | None:
    """The values divided by their sum; None where all are 0."""
    total = math.fsum(values)
    return tuple(value / total for value in values) if total > 0 else None


def rebalanced(used: Sequence[float], kernel: int, value: float, shares: bool) -> tuple[float, ...]:
    """`used` with another value for one kernel; shares stay a sum of 1, the others keep their proportions."""
    rest = [0.0 if place == kernel else other for place, other in enumerate(used)]
    if shares and len(used) > 1:
        total = math.fsum(rest)
        even = (1 - value) / (len(used) - 1)
        rest = [(1 - value) * other / total if total > 0 else even for other in rest]
    return tuple(value if place == kernel else other for place, other in enumerate(rest))


def presets(count: int) -> dict[str, Setting | None]:
    """The named settings of a block with so many kernels; None stands for as predicted.

    With two kernels "without 1" would be "only 2".
    """
    named: dict[str, Setting | None] = {AS_PREDICTED: None, EVEN: (1 / count,) * count}
    for kernel in range(count):
        named[f"Only {kernel + 1}"] = tuple(float(other == kernel) for other in range(count))
    if count > 2:
        named |= {f"Without {kernel + 1}": kernel for kernel in range(count)}
    return named


def preset_of(setting: Setting | None, count: int) -> str:
    """The name of a block's setting, BY_HAND where it has none of its own."""
    for name, preset in presets(count).items():
        if preset == setting or (_close(preset, setting)):
            return name
    return BY_HAND


def _close(one: Setting | None, other: Setting | None) -> bool:
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return False
    return len(one) == len(other) and all(abs(a - b) < 2e-3 for a, b in zip(one, other, strict=True))


def describe_mixes(mixes: Mapping[str, Setting], blocks: Mapping[str, int]) -> str:
    """The whole mix in a sentence, blocks with the same setting together."""
    if not mixes:
        return "Every block mixes as predicted."
    groups: dict[str, list[str]] = {}
    for block in blocks:
        if block in mixes:
            groups.setdefault(_words(mixes[block], blocks[block]), []).append(block)
    parts = [f"{', '.join(names)}: {words}" for words, names in groups.items()]
    rest = "" if len(mixes) == len(blocks) else "; the other blocks as predicted"
    return "; ".join(parts) + rest + "."


def _words(setting: Setting, count: int) -> str:
    if isinstance(setting, int):
        return f"without kernel {setting + 1}"
    name = preset_of(setting, count)
    if name != BY_HAND:
        return name.lower().replace("only", "only kernel")
    return listed([f"{value:.2f}" for value in setting])


def core_mix(mixes: Mapping[str, Setting]) -> "Mix":
    """The same mix as the core takes it."""
    from cifar_core.explain.mixing import Mix

    fixed = {block: setting for block, setting in mixes.items() if isinstance(setting, tuple)}
    off = {block: (setting,) for block, setting in mixes.items() if isinstance(setting, int)}
    return Mix(fixed, off)
