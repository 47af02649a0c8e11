"""Several pictures: a row each, what cannot be read as well; the CSV says the same as the table."""

import base64
import csv
import io
import re
from pathlib import Path

import pytest

from demo.classify.answers import Answers
from demo.classify.batch import MOST_PICTURES, batch_html, csv_text, summary
from tests.support.hostile_uploads import quarters, saved
from tests.support.toy_checkpoints import save_toy


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Answers(str(save_toy(tmp_path / "toy.v1")))


def uploaded(folder: Path, name: str, data: bytes) -> dict[str, str]:
    (folder / "upload").mkdir(exist_ok=True)
    path = folder / "upload" / f"{len(list(folder.rglob('*')))}.bin"
    path.write_bytes(data)
    return {"path": str(path), "orig_name": name}


def test_each_picture_has_a_row_and_a_line(answers: Answers, tmp_path: Path) -> None:
    good = saved(quarters(), "PNG")
    files = [("=SUM(A1)<b>.png", good), ("note.png", b"no picture"), ("../../b.png", good)]
    page = batch_html(answers, [uploaded(tmp_path, *one) for one in files], None)
    assert "3 pictures: 2 answered, 1 could not be read" in page
    assert page.count("<tr") == 4 and "<b>" not in page and "This is a text file" in page
    found = re.search(r"data:text/csv;base64,([^\"]+)", page)
    assert found
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(found[1]).decode())))
    assert [row["picture"] for row in rows] == ["'=SUM(A1)<b>.png", "note.png", "b.png"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert float(rows[0]["probability_1"]) == float(rows[2]["probability_1"]) > 0
    assert rows[0]["network"] == "toy.v1" and len(rows[0]["version"]) == 12


def test_none_and_too_many(answers: Answers) -> None:
    assert f"up to {MOST_PICTURES} pictures" in batch_html(answers, None, None)
    crowd = [{"path": "x"}] * (MOST_PICTURES + 1)
    assert f"send at most {MOST_PICTURES} at once" in batch_html(answers, crowd, None)


def test_the_words_for_known_and_for_errors() -> None:
    top = [{"label": "cat", "probability": 0.5}]
    documents = [{"picture": "a", "top": top, "known": False}, {"picture": "b", "error": "Torn."}]
    assert summary(documents[:1]) == "1 picture: 1 answered"
    assert csv_text(documents).splitlines() == [
        "picture,network,version,known,label_1,probability_1,error",
        "a,,,no,cat,0.5,",
        "b,,,,,,Torn.",
    ]
