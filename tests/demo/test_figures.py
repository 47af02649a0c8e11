"""Every figure of the dashboard comes from demo/charts and reaches the page through one component.

That plotly accepts each of them is checked wherever a test opens a page (tests/support/page_tests.py).
"""

import ast
from pathlib import Path

import plotly.io

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


def test_the_notebook_in_the_readme_draws_figures(tmp_path, monkeypatch):
    readme = (Path(demo.__file__).parent / "README.md").read_text(encoding="utf-8")
    code = readme.split("<!-- notebook -->\n```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")  # as in a notebook
    assert "application/vnd.plotly.v1+json" in names["mixing_ribbons"](names["history"])._repr_mimebundle_()
    assert "plotly" in (tmp_path / "accuracy.html").read_text(encoding="utf-8").lower()
