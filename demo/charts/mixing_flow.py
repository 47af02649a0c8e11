"""The way of a picture or a class from block to block: its shares as streams between the blocks' kernels."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from demo.charts.figure import Chart, Spec, Table
from demo.charts.mixing import shares_of
from demo.shared.palette import KERNEL_COLORS, color_of

Floats = NDArray[np.float64]
Mixed = Mapping[str, Sequence[Sequence[float]] | NDArray[np.floating]]  # block -> coefficients (N, K)

HEIGHT, TOP, SIDE = 270, 26, 14  # pixels: of the chart, above the streams, beside them
PAD = 10  # pixels between two kernels
THICKNESS = 14  # pixels of a kernel
EDGE = 0.001  # plotly.js ignores a position of 0
LEAST = 1e-4  # a stream: plotly.js leaves out kernels without any
NAMED = 0.07  # share from which a kernel has its number
STREAM = "66"  # opacity, in hexadecimal
READING = "Each column is a block, a color a kernel with its share in %. Wider streams carry more."


def flow_of(mixed: Mixed) -> list[Floats]:
    """The streams between neighboring blocks, each (K of one, K of the next), of sum 1.

    A picture's stream is the product of its two shares; that of several pictures is the mean of theirs.
    """
    shares = [np.stack([shares_of(row) for row in rows]) for rows in mixed.values()]  # (N, K) each
    return [np.einsum("ni,nj->ij", one, other) / len(one) for one, other in itertools.pairwise(shares)]


def mixing_flow(name: str, mixed: Mixed, note: str) -> Chart:
    """A Sankey diagram: a column a block, two at the least; a node a kernel.

    name: of the picture or the class. mixed: coefficients of one picture or more. note: how the streams were
    found.
    """
    streams, blocks = flow_of(mixed), list(mixed)
    kernels = [streams[0].sum(axis=1), *(stream.sum(axis=0) for stream in streams)]
    first = np.cumsum([0, *map(len, kernels)])  # a block's first node
    links = [
        (int(first[place] + i), int(first[place + 1] + j), float(stream[i, j]))
        for place, stream in enumerate(streams)
        for i, j in np.ndindex(stream.shape)
    ]
    names = [
        f"{block}, kernel {k + 1}"
        for block, own in zip(blocks, kernels, strict=True)
        for k in range(len(own))
    ]
    colors = [color_of(k, KERNEL_COLORS) for own in kernels for k in range(len(own))]
    trace = {
        "type": "sankey",
        "arrangement": "fixed",
        "node": _nodes(kernels, names, colors),
        "link": {
            "source": [source for source, _, _ in links],
            "target": [target for _, target, _ in links],
            "value": [max(LEAST, round(value, 4)) for *_, value in links],
            "color": [f"{colors[source]}{STREAM}" for source, _, _ in links],
            "customdata": [f"{names[a]} → {names[b]}: {100 * value:.1f} %" for a, b, value in links],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    }
    heads = [_block_name(block, at) for block, at in zip(blocks, _columns(len(blocks)), strict=True)]
    margin = {"l": SIDE, "r": SIDE, "t": TOP, "b": 8}
    numbers = lambda: _numbers(links, names)  # noqa: E731
    shape = {"annotations": heads, "margin": margin}
    return Chart(flow_title(name, links, names), [trace], shape, f"{READING} {note}", HEIGHT, None, numbers)


def flow_title(name: str, links: Sequence[tuple[int, int, float]], names: Sequence[str]) -> str:
    """The widest stream, in a sentence; links are (source, target, share)."""
    source, target, value = max(links, key=lambda link: link[2])
    return f"{name}: {100 * value:.0f} % pass from {_spoken(names[source])} to {_spoken(names[target])}"


def parting_title(one: Mixed, other: Mixed, names: tuple[str, str]) -> str:
    """The block and kernel where two ways differ the most, in a sentence."""
    means = [
        {block: np.stack([shares_of(row) for row in rows]).mean(axis=0) for block, rows in mixed.items()}
        for mixed in (one, other)
    ]
    gaps = [
        (abs(float(means[0][block][kernel] - means[1][block][kernel])), block, kernel)
        for block in means[0]
        for kernel in range(len(means[0][block]))
    ]
    _, block, kernel = max(gaps)
    first, second = (100 * float(mean[block][kernel]) for mean in means)
    return (
        f"They part most in {block}: its kernel {kernel + 1} takes {first:.0f} % of {names[0]} "
        f"and {second:.0f} % of {names[1]}"
    )


def _nodes(kernels: Sequence[Floats], names: Sequence[str], colors: Sequence[str]) -> Spec:
    """The kernels from top to bottom in each column, where the streams leave them room."""
    shares = [float(share) for own in kernels for share in own]
    columns = [at for at, own in zip(_columns(len(kernels)), kernels, strict=True) for _ in own]
    return {
        "label": [f"{100 * share:.0f}" if share >= NAMED else "" for share in shares],
        "color": list(colors),
        "x": columns,
        "y": [y for own in kernels for y in _middles(own)],
        "pad": PAD,
        "thickness": THICKNESS,
        "line": {"width": 0},
        "customdata": [f"{name}: {100 * share:.1f} %" for name, share in zip(names, shares, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _columns(count: int) -> list[float]:
    return [min(1 - EDGE, max(EDGE, place / (count - 1))) for place in range(count)]


def _middles(shares: Floats) -> list[float]:
    """Where the middle of each kernel lies, from 0 at the top to 1."""
    height = HEIGHT - TOP - 8
    scale = (height - PAD * (len(shares) - 1)) / height  # of a share of 1
    starts = np.cumsum([0.0, *shares[:-1]]) * scale + np.arange(len(shares)) * PAD / height
    return [round(min(1 - EDGE, max(EDGE, float(y))), 4) for y in starts + shares * scale / 2]


def _block_name(block: str, at: float) -> Spec:
    place = {"x": at, "y": 1, "xref": "paper", "yref": "paper", "yanchor": "bottom", "yshift": 4}
    return {**place, "text": block, "showarrow": False}


def _spoken(name: str) -> str:
    block, kernel = name.split(", ")
    return f"{kernel} of {block}"


def _numbers(links: Sequence[tuple[int, int, float]], names: Sequence[str]) -> Table:
    return {
        "from": [names[source] for source, _, _ in links],
        "to": [names[target] for _, target, _ in links],
        "share": [value for *_, value in links],
    }
