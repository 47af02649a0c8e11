"""The part Confusion: the matrix, the pictures behind a cell, per class, the worst pairs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from cifar_core.inference.held_out import HeldOut
from demo.charts.confusion import confused_pairs, confusion_chart, per_class_chart
from demo.dashboard_pages.understand.answers import Answers
from demo.dashboard_pages.understand.mistakes import show_found
from demo.shared.format import percent
from demo.widgets.choice import choose, write_address
from demo.widgets.panels import show_chart, show_table

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

CHART = "confusion"  # the matrix's key
MOST_PAIRS = 6


def chosen_cell(state: Mapping[str, Any], classes: int) -> tuple[int, int] | None:
    """(true, predicted) of the cell that the reader chose in the matrix; None without any."""
    groups = state.get("selection", {}).get("selected", [])
    places = [place for group in groups for place in group.get("data_indices", [])]
    if not places or not 0 <= places[-1] < classes**2:
        return None
    return divmod(int(places[-1]), classes)


def take_cell(names: Sequence[str]) -> None:
    """Put the chosen cell into the two lists below the matrix; a mistake into those of Mistakes too."""
    cell = chosen_cell(st.session_state.get(CHART) or {}, len(names))
    if cell is None:
        return
    lists = [("true", "predicted"), ("shows", "said")] if cell[0] != cell[1] else [("true", "predicted")]
    write_address({name: names[place] for pair in lists for name, place in zip(pair, cell, strict=True)})


def pair_rows(answers: Answers, names: Sequence[str]) -> list[dict[str, str]]:
    """The commonest mistakes as a table."""
    totals = answers.confusion.sum(axis=1)
    return [
        {
            "true class": names[row],
            "taken for": names[column],
            "pictures": f"{count:,}",
            "share of the class": percent(count / int(totals[row])),
        }
        for row, column, count in confused_pairs(answers.confusion, MOST_PAIRS)
    ]


def show_confusion(classifier: "Classifier", pictures: HeldOut, answers: Answers) -> None:
    """The matrix, the pictures behind its cell, and what follows for the classes."""
    names = pictures.class_names
    matrix = confusion_chart(answers.confusion, names)
    alt = "Heat map of counts: true classes as rows, predicted classes as columns"
    show_chart(matrix, CHART, alt, on_select=lambda: take_cell(names))
    st.header("The pictures behind a cell")
    worst = (confused_pairs(answers.confusion, 1) or [(0, 0, 0)])[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true = choose("true", "True class", names, names[worst[0]], widget="select", width=320)
        usual = names[worst[1]]
        predicted = choose("predicted", "Predicted class", names, usual, widget="select", width=320)
    show_found(classifier, pictures, answers, true, predicted)
    left, right = st.columns(2)
    with left:
        st.header("Class by class")
        alt = "Bar chart: share of right answers of each class"
        show_chart(per_class_chart(answers.confusion, names), "per-class", alt)
    with right:
        st.header("Most confused pairs")
        rows = pair_rows(answers, names)
        if rows:
            show_table(rows)
        else:
            st.write("No picture is mistaken, so no pair is confused.")
