"""Data to charts, pure: nothing here reads files or draws on a page."""

from demo.charts.curves import CurveView, accuracy_chart, loss_chart, lr_chart
from demo.charts.figure import Chart
from demo.charts.lr_finder import lr_finder_chart
from demo.charts.mixing import entropy_chart, mixing_per_class
from demo.charts.mixing_ribbons import mixing_ribbons
from demo.charts.overlay import OverlaidRun, line_style, overlay_chart, run_color
from demo.charts.picture import picture_mixing_chart

__all__ = [
    "Chart",
    "CurveView",
    "OverlaidRun",
    "accuracy_chart",
    "entropy_chart",
    "line_style",
    "loss_chart",
    "lr_chart",
    "lr_finder_chart",
    "mixing_per_class",
    "mixing_ribbons",
    "overlay_chart",
    "picture_mixing_chart",
    "run_color",
]
