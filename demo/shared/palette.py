"""The one visual language of both pages: which color stands for which kernel, class, run and state.

A thing keeps its color in every chart of every page. All lists suit color blindness: any two colors of a list
differ by at least 0.07 (runs, kernels) or 0.12 (classes) in Oklab, seen normally and with simulated
protanopia, deuteranopia and tritanopia (Machado et al. 2009); tests/demo/shared/test_palette.py measures it.
"""

# Okabe and Ito's color-blind-safe order (2008), by start time; violet for their yellow, too pale for a line.
RUN_COLORS: tuple[str, ...] = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#AC60F0", "#000000",
)  # fmt: skip

# Paul Tol's "muted" scheme, reordered so that the first colors, and neighbors in a stacked bar, differ most.
KERNEL_COLORS: tuple[str, ...] = (
    "#332288", "#44AA99", "#DDCC77", "#AA4499", "#88CCEE", "#882255", "#117733", "#999933",
)  # fmt: skip

CORRUPTION_COLORS = KERNEL_COLORS  # kinds of damage; no chart shows them beside kernels

# Found by maximizing the smallest distance within the list; given to the classes in the data set's order.
CLASS_COLORS: tuple[str, ...] = (
    "#5566CC", "#AA3300", "#FFAA11", "#DD6622", "#661122",
    "#775577", "#44DDAA", "#BBAAFF", "#222288", "#33AA99",
)  # fmt: skip

# A state is always written out as a word too; the color only helps the eye.
STATE_COLORS: dict[str, str] = {
    "waiting": "#6B7280",
    "running": "#0072B2",
    "paused": "#9A6700",
    "stopped": "#5B4B8A",
    "pruned": "#5B4B8A",
    "finished": "#1A7F4B",
    "failed": "#B42318",
    "damaged": "#B42318",
}

INK = "#1F2933"  # text and axes
MUTED_INK = "#5A6572"  # second-rank text; 4.5:1 or better on white
LINE = "#D5DAE0"  # hairlines and grids
CURVE_INK = "#6B7280"  # a small curve of no run in particular; 3.5:1 or better on white and on black
TRACK = f"light-dark({LINE}, #40454B)"  # in CSS: what a bar has not filled yet
ACCENT = "#0072B2"  # the one color of buttons and of the answer's bar
DIVERGING_COLORS: tuple[str, ...] = (  # differences, from below zero (blue) to above (red)
    "#2166AC", "#4393C3", "#92C5DE", "#D1E5F0", "#F7F7F7", "#FDDBC7", "#F4A582", "#D6604D", "#B2182B",
)  # fmt: skip


DARK_PAGE = "#171614"  # Streamlit's dark background
READ = 4.5  # the least contrast of letters (WCAG 2.2)
SEEN = 2.1  # of lines and bars on a dark page; with more, the mixed colors would no longer differ enough


BLACK = 0.01  # luminance below which a color is as good as black
LIGHT_GRAY = "#E4E4E4"


def color_of(index: int, colors: tuple[str, ...]) -> str:
    """The color of the index-th thing of a list; past its end the list starts anew."""
    return colors[index % len(colors)]


def class_color(index: int, classes: int) -> str:
    """The color of a class; one for all where there are more classes than colors that can be told apart."""
    return CLASS_COLORS[index] if classes <= len(CLASS_COLORS) else ACCENT


def luminance(color: str) -> float:
    """Relative luminance of "#RRGGBB" in 0..1 (WCAG 2.2)."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def on_dark(color: str, least: float = SEEN) -> str:
    """ "#RRGGBB", mixed with as much white as it takes to stand out from a dark page."""
    if luminance(color) < BLACK:
        return LIGHT_GRAY  # what is strongest on a light page is so on a dark one
    for percent in range(0, 101, 5):
        channels = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        mixed = "#" + "".join(f"{round(c + (255 - c) * percent / 100):02X}" for c in channels)
        if (luminance(mixed) + 0.05) / (luminance(DARK_PAGE) + 0.05) >= least:
            return mixed
    return "#FFFFFF"


def on_both(color: str, least: float = READ) -> str:
    """In CSS: the color on a light page, and what stands for it on a dark one."""
    return f"light-dark({color}, {on_dark(color, least)})"


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on "#RRGGBB"."""
    return "#000000" if luminance(color) > 0.179 else "#FFFFFF"  # equal contrast to both at 0.179


CIVIDIS = (
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
    "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
)  # fmt: skip
