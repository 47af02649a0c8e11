"""A block's kernels as pictures: some of their filters, and how each responds to one image. Pure."""

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from demo.shared.format import isolated
from demo.shared.palette import CIVIDIS, DIVERGING_COLORS, KERNEL_COLORS, MUTED_INK, color_of, on_both
from demo.shared.pictures import between, data_uri, image_tag, sheet

FILTERS = 10
CELL, FRAME = 8, 3  # pixels: the side of one weight, the white around a filter
ROWS = "display:grid;grid-template-columns:5.5rem minmax(0,1fr);gap:.5rem .8rem;align-items:center"
MAPS = "display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:1rem"
MARK = "display:inline-block;width:.7rem;height:.7rem;border-radius:2px"
MAP = "display:block;width:100%;max-width:180px;image-rendering:pixelated;border-radius:3px"
IMAGE = "display:block;width:100%;max-width:520px;image-rendering:pixelated"


def chosen_filters(kernels: NDArray[np.float32], count: int = FILTERS) -> NDArray[np.int64]:
    """Output channels in which kernels (K, out, in, R, S) differ most, measured against their size."""
    spread = kernels.std(axis=0).sum(axis=(1, 2, 3))  # (out,)
    size = np.abs(kernels).mean(axis=0).sum(axis=(1, 2, 3)) + 1e-9
    return np.sort(np.argsort(-spread / size, kind="stable")[:count])


def filters_html(kernels: NDArray[np.float32], mixed: NDArray[np.float32], shares: Sequence[float]) -> str:
    """A row for each of K kernels (K, out, in, R, S) and one for the mixed (out, in, R, S)."""
    chosen = chosen_filters(kernels)
    stack = np.concatenate([kernels, mixed[None]])[:, chosen]  # (K + 1, F, in, R, S)
    tiles = _in_color(stack) if stack.shape[2] == 3 else _strongest_slices(stack)
    rows = []
    for kernel, row in enumerate(tiles):
        image = data_uri(sheet([[_enlarged(tile) for tile in row]]))
        whose = "the mixed kernel" if kernel == len(kernels) else f"kernel {kernel + 1}"
        alt = f"{len(row)} filters of {whose} as small pictures"
        rows.append(_name(kernel, shares) + image_tag(image, alt, style=IMAGE))
    return f'<div style="{ROWS}">{"".join(rows)}</div>'


def filters_reading(kernels: NDArray[np.float32]) -> str:
    """A caption: how to read `filters_html`."""
    count = min(FILTERS, kernels.shape[1])
    head = f"Columns: the {count} filters (of {kernels.shape[1]}) in which the kernels differ most. "
    if kernels.shape[2] == 3:
        return head + "Each square is a whole 3 × 3 filter in its own colors; middle gray is zero."
    return head + (
        f"Each square is the 3 × 3 slice that reads one of {kernels.shape[2]} input channels, the one that "
        "this filter weighs most. Red: positive weights, blue: negative, pale: near zero. The last row is "
        "the mixed kernel that was applied to this picture."
    )


def filters_title(kernels: NDArray[np.float32]) -> str:
    """A sentence about how alike the kernels of a block are."""
    flat = kernels.reshape(len(kernels), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
    cosines = (flat / norms) @ (flat / norms).T
    pairs = cosines[np.triu_indices(len(kernels), 1)]
    if not len(pairs):
        return "There is only one kernel"
    alike = float(pairs.mean())
    words = "nearly alike" if alike > 0.9 else "related" if alike > 0.4 else "quite different"
    return f"The kernels of this block are {words}: their weights correlate with {alike:.2f}"


def responses_html(
    responses: NDArray[np.float32], mixed: NDArray[np.float32], shares: Sequence[float]
) -> str:
    """A map for each kernel's response (K, H, W) and for the mixed one (H, W), on one brightness scale."""
    top = float(max(responses.max(), mixed.max())) or 1.0
    cells = []
    for kernel, response in enumerate([*responses, mixed]):
        image = data_uri(between(response / top, CIVIDIS))
        whose = "the mixed kernel" if kernel == len(responses) else f"kernel {kernel + 1}"
        tag = image_tag(image, f"Where {whose} responds", style=MAP)
        cells.append(f"<div>{_name(kernel, shares)}{tag}</div>")
    return f'<div style="{MAPS}">{"".join(cells)}</div>'


def responses_title(responses: NDArray[np.float32]) -> str:
    """A sentence about which kernel responds most to this picture."""
    strengths = responses.mean(axis=(1, 2))
    best, least = int(strengths.argmax()), int(strengths.argmin())
    ratio = float(strengths[best] / max(strengths[least], 1e-12))
    if ratio < 1.1:
        return "All kernels respond alike to this picture"
    return f"Kernel {best + 1} responds most to this picture, {ratio:.1f} times as much as kernel {least + 1}"


def kernel_name(words: str, note: str, kernel: int | None) -> str:
    """A kernel's color (None: the mixed one's gray), its name, and a smaller note under it."""
    color = MUTED_INK if kernel is None else color_of(kernel, KERNEL_COLORS)
    mark = f'<i style="{MARK};background:{color}"></i>'
    small = f'<span style="color:{on_both(MUTED_INK)};font-size:.8rem">{isolated(html.escape(note))}</span>'
    return f'<div style="line-height:1.3">{mark} {html.escape(words)}<br>{small}</div>'


def _name(kernel: int, shares: Sequence[float]) -> str:
    """The name of a row: a kernel with its share, or, past the last kernel, the mixed one."""
    if kernel == len(shares):
        return kernel_name("mixed", "for this picture", None)
    return kernel_name(f"kernel {kernel + 1}", f"{100 * shares[kernel]:.0f} % here", kernel)


def _enlarged(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A tile (R, S, 3) with each weight as a square, in a white frame that keeps it from its neighbors."""
    squares = np.kron(tile, np.ones((CELL, CELL, 1), np.uint8))
    return np.pad(squares, ((FRAME, FRAME), (FRAME, FRAME), (0, 0)), constant_values=255)


def _in_color(stack: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(rows, F, 3, R, S) -> RGB tiles (rows, F, R, S, 3): each column with its own scale, zero is gray."""
    scale = np.abs(stack).max(axis=(0, 2, 3, 4), keepdims=True) + 1e-12
    tiles = np.round(127.5 + 127.5 * stack / scale).astype(np.uint8)
    return tiles.transpose(0, 1, 3, 4, 2)


def _strongest_slices(stack: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(rows, F, in, R, S) -> tiles (rows, F, R, S, 3) of each filter's strongest input channel."""
    strength = np.abs(stack).sum(axis=(0, 3, 4))  # (F, in)
    slices = np.stack([stack[:, f, channel] for f, channel in enumerate(strength.argmax(axis=1))], axis=1)
    scale = np.abs(slices).max(axis=(0, 2, 3), keepdims=True) + 1e-12
    return between(0.5 + 0.5 * slices / scale, DIVERGING_COLORS)
