"""Every figure of the dashboard comes from demo/charts and reaches the page through one component.

That plotly accepts each of them is checked wherever a test opens a page (tests/support/page_tests.py).
"""

import ast
from pathlib import Path

import demo

PAGES = [path for path in Path(demo.__file__).parent.rglob("*.py") if "charts" not in path.parts]


def test_no_page_draws_a_chart_by_itself():
    drawn = [
        f"{path.name}:{node.lineno}"
        for path in PAGES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "st" and (node.attr.endswith("_chart") or node.attr == "pyplot")
    ]
    assert len(PAGES) > 50 and not drawn, "use demo.widgets.chart.show_chart"
