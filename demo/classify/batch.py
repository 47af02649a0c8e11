"""Several pictures at once: a table of answers, and the same as CSV and JSON to take away."""

import csv
import html
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.images.crop import Crop
from cifar_core.inference.responses import error_response
from demo.classify.answers import PROBLEMS, SHOWN, Answers, Payload, name_of
from demo.classify.render import headline, problem_html
from demo.classify.share import download_link
from demo.shared.format import counted, whole_percent
from demo.shared.pictures import data_uri, image_tag

MOST_PICTURES = 24  # at once: a second's work
ASK = f"Choose up to {MOST_PICTURES} pictures; each gets a row in a table that you can take away as CSV."
Document = dict[str, Any]


def batch_html(answers: Answers, pictures: Sequence[Payload] | None, network: str | None) -> str:
    """A row for each upload, and links to its CSV and JSON; a sentence where there are none or too many."""
    if not pictures:
        return f'<p class="quiet">{ASK}</p>'
    if refused := too_many(pictures):
        return problem_html(refused)
    rows, documents = [], []
    for picture in pictures:
        document, row = _row(answers, picture, network)
        rows.append(row)
        documents.append(document)
    links = (
        download_link(csv_text(documents), "answers.csv", "text/csv", "Download as CSV"),
        download_link(
            json.dumps(documents, indent=1), "answers.json", "application/json", "Download as JSON"
        ),
    )
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("Seen", "Picture", "Answer", "Probability"))
    return (
        f'<section aria-live="polite"><p class="verdict">{summary(documents)}</p><p>{" ".join(links)}</p>'
        f'<table class="batch"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def too_many(pictures: Sequence[Payload]) -> str:
    """Why so many pictures are refused; "" for a number that is not."""
    if len(pictures) <= MOST_PICTURES:
        return ""
    return f"{len(pictures)} pictures came; send at most {MOST_PICTURES} at once."


def summary(documents: Sequence[Document]) -> str:
    """ "5 pictures: 4 answered, 1 could not be read"."""
    bad = sum("error" in one for one in documents)
    return f"{counted(len(documents), 'picture')}: {len(documents) - bad} answered" + (
        f", {bad} could not be read" if bad else ""
    )


def csv_text(documents: Sequence[Document]) -> str:
    """A line for each answer: name, network, version, then the classes and their probabilities, the error."""
    out = io.StringIO()
    ranks = range(1, 1 + max((len(one.get("top", ())) for one in documents), default=0))
    heads = [f"{what}_{rank}" for rank in ranks for what in ("label", "probability")]
    writer = csv.writer(out)
    writer.writerow(["picture", "network", "version", "known", *heads, "error"])
    for one in documents:
        writer.writerow(_cells(one, len(heads)))
    return out.getvalue()


def _cells(one: Mapping[str, Any], width: int) -> list[Any]:
    known = {True: "yes", False: "no", None: ""}[one.get("known")]
    guesses = [value for guess in one.get("top", ()) for value in (guess["label"], guess["probability"])]
    head = [_harmless(one["picture"]), one.get("network", ""), one.get("version", ""), known]
    return [*head, *guesses, *[""] * (width - len(guesses)), one.get("error", "")]


def _harmless(name: str) -> str:
    """A name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _row(answers: Answers, picture: Payload, network: str | None) -> tuple[Document, str]:
    """The document of one upload and its row."""
    name = name_of(picture)
    try:
        answer = answers.answer(answers.decoded(picture), network, Crop(), SHOWN)
    except PROBLEMS as error:
        problem = (
            f'<td></td><th scope="row">{html.escape(name)}</th><td colspan="2">{html.escape(str(error))}</td>'
        )
        return error_response(name, str(error)), f'<tr class="bad">{problem}</tr>'
    prediction = answer.prediction
    image = image_tag(data_uri(prediction.seen), "")
    cells = (
        f'<td>{image}</td><th scope="row">{html.escape(name)}</th>'
        f"<td>{html.escape(headline(prediction.top, prediction.known))}</td>"
        f"<td>{html.escape(_likeliest(prediction.top))}</td>"
    )
    return answer.document(name), f"<tr>{cells}</tr>"


def _likeliest(top: Sequence[tuple[str, float]]) -> str:
    words = ", ".join(f"{label} {whole_percent(probability)}" for label, probability in top[:2])
    return words.replace(" %", "\u00a0%")  # on a phone a line would end between them
