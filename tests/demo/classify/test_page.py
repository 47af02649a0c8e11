"""The classify page, through its server: answers, hostile uploads, other callers, closed defaults."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio.route_utils import delete_files_created_by_app
from PIL import Image

from cifar_core.checkpoint import CheckpointError
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.images.decode import MAX_BYTES, decode_image, fit_square
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.calibration import RIGHT_WHEN_SURE
from cifar_core.metrics.ood import FALSE_ALARMS
from demo import app
from demo.classify.answers import MOST_PICTURES, Answers
from demo.classify.examples import EXAMPLES
from demo.classify.page import networks_view
from demo.classify.server import PLACES_IN_LINE
from tests.support.classify_caller import FILE, Caller
from tests.support.hostile_uploads import UPLOADS, Upload, quarters, saved
from tests.support.toy_checkpoints import OTHER

# One of each kind goes through the server; test_answers.py has them all.
SENT = (
    *("16-bit gray PNG", "CMYK JPEG", "transparent WEBP", "JPEG, EXIF orientation 6", "animated GIF"),
    *("1 × 10000 pixels", "108 megapixels in a few bytes", "an SVG drawing", "a text file", "an empty file"),
    *("JPEG, half of it missing", "JPEG without its last strips", "AVIF", "Nikon NEF"),
)
PICTURE = saved(quarters(), "PNG")


@pytest.fixture(scope="module")
def caller(demo: gr.Blocks) -> Iterator[Caller]:
    caller = Caller(demo.local_url)
    yield caller
    caller.http.close()


def check_parts(upload: Upload, parts: tuple[str, str, str, Any]) -> None:
    answer, inside, _, response = parts
    if upload.corners:
        assert np.array_equal(seen_in(inside), np.asarray(fit_square(decode_image(upload.data))))
        assert len(response["top"]) == 5 and upload.note in answer
    else:
        assert upload.sentence in response["error"] and upload.sentence in answer and inside == ""


def seen_in(inside: str) -> np.ndarray:
    found = re.search(r"data:image/png;base64,([^\"]+)", inside)
    assert found
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("name", SENT)
def test_a_hostile_upload_through_the_server(name: str, caller: Caller) -> None:
    (upload,) = [upload for upload in UPLOADS if upload.name == name]
    check_parts(upload, caller.send(upload.data))


def test_a_file_of_more_than_20_mb_is_stopped_at_the_door(caller: Caller) -> None:
    response = caller.upload(PICTURE + bytes(MAX_BYTES))
    assert response.status_code == 413
    assert "Traceback" not in response.text
    assert caller.send(PICTURE)[3]["top"]


def test_the_numbers_are_the_networks_own(caller: Caller) -> None:
    numbers = caller.send(PICTURE)[3]
    (expected,) = Classifier.load().predict([quarters()], top=5)
    assert [one["label"] for one in numbers["top"]] == [label for label, _ in expected.top]
    assert [one["probability"] for one in numbers["top"]] == pytest.approx(
        [p for _, p in expected.top], abs=1e-5
    )
    assert numbers["mixing"].keys() == expected.mixing.keys()
    for block, coefficients in expected.mixing.items():
        assert numbers["mixing"][block] == pytest.approx(coefficients, abs=1e-5)


def test_head_and_facts_follow_the_network_and_the_table_has_speeds_of_both(checkpoints: Path) -> None:
    answers = Answers()
    assert networks_view(answers, DEFAULT_CHECKPOINT)[1].count(" ms</td>") == 1
    head, about = networks_view(answers, OTHER, beside=DEFAULT_CHECKPOINT)
    assert about.count(" ms</td>") == 2 and "not been measured" in head and "not been measured" in about
    problem = networks_view(answers, DEFAULT_CHECKPOINT, beside="../x")[1]
    assert "../x" in problem and 'role="alert"' in problem


def test_every_choice_of_the_page_reaches_the_answer(caller: Caller) -> None:
    crop = {"turn": 90, "zoom": 2, "right": 1, "down": -1}
    _, inside, share, responses = caller.send(PICTURE, OTHER, beside=DEFAULT_CHECKPOINT, **crop)
    assert [one["network"] for one in responses] == [OTHER, DEFAULT_CHECKPOINT]
    assert [one["crop"] for one in responses] == [crop, crop]
    assert inside.count("data:image/jpeg") == 2 and "--turn 90 --zoom 2 --shift 1 -1" in share
    assert "zoom" in caller.send(PICTURE, zoom=99)[3]["error"]


def test_several_pictures_are_a_table(caller: Caller) -> None:
    page = caller.call("batch_view", [caller.sent(PICTURE), caller.sent(b"no picture", "a.txt")], None)[1][0]
    assert page.count("<tr") == 3 and "a.txt" in page
    assert str(MOST_PICTURES) in caller.call("batch_view", None, None)[1][0]
    refused = caller.call("batch_view", [caller.sent(PICTURE)] * (MOST_PICTURES + 1), None)[1][0]
    assert str(MOST_PICTURES) in refused and 'role="alert"' in refused


def test_without_a_picture_the_page_asks_for_one(caller: Caller) -> None:
    kind, (answer, *others) = caller.classify(None)
    assert kind == "complete" and "Choose a picture" in answer and others == ["", "", {}]


def test_a_picture_that_was_deleted_meanwhile_is_a_sentence(caller: Caller) -> None:
    uploaded = caller.upload(PICTURE + b"another").json()[0]
    Path(uploaded).unlink()
    answer = caller.classify({"path": uploaded, **FILE})[1][0]
    assert "choose it again" in answer


def test_uploads_are_deleted_and_the_examples_stay(caller: Caller, demo: gr.Blocks) -> None:
    folder = Path(demo.GRADIO_CACHE)
    uploaded = Path(caller.upload(PICTURE, "mine.png").json()[0])
    never_asked = Path(caller.upload(PICTURE, "nobody_asked.png").json()[0])
    assert caller.classify({"path": str(uploaded), **FILE})[0] == "complete"
    assert uploaded.is_relative_to(folder) and uploaded.exists()
    delete_files_created_by_app(demo, age=0)
    assert not uploaded.exists() and not never_asked.exists()
    assert len(list(folder.rglob("*.*"))) >= len(EXAMPLES)


def test_the_page_opens_with_an_example_already_answered(demo: gr.Blocks) -> None:
    (expected,) = Classifier.load().predict([EXAMPLES[0].decoded().image], top=5)
    values = [one["props"].get("value") for one in demo.get_config_file()["components"]]
    texts = [value for value in values if isinstance(value, str)]
    (answer,) = [text for text in texts if 'class="answer"' in text]
    (inside,) = [text for text in texts if 'class="inside"' in text]
    assert all(f"<span>{label}</span>" in answer for label, _ in expected.top)
    assert np.array_equal(seen_in(inside), expected.seen)
    assert any("91.23 % of 10,000 test pictures" in text for text in texts)


def test_the_page_says_what_becomes_of_pictures_and_how_its_limit_was_set(demo: gr.Blocks) -> None:
    values = " ".join(str(one["props"].get("value")) for one in demo.get_config_file()["components"])
    assert "pictures are not kept" in values and "deleted there within 6 minutes" in values
    assert (
        f"{100 * FALSE_ALARMS:.0f} % of these" in values and f"{100 * RIGHT_WHEN_SURE:.0f} of 100" in values
    )


def test_what_gradio_leaves_open_by_default_is_closed(demo: gr.Blocks) -> None:
    assert demo.analytics_enabled is False
    assert demo.enable_monitoring is False
    assert demo.run_history is False
    assert demo.share is False
    assert demo.max_file_size == MAX_BYTES
    assert demo.delete_cache is None  # its end fails where a caller named a folder; gate.py sweeps instead
    assert demo._queue.max_size == PLACES_IN_LINE
    assert httpx.get(f"{demo.local_url}monitoring").status_code in (403, 404)
    assert "fonts.googleapis.com" not in httpx.get(demo.local_url).text
    assert list(demo.get_api_info()["named_endpoints"]) == ["/classify", "/classify_batch", "/models"]


def test_without_a_checkpoint_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cifar_core.checkpoint.checkpoints_dir", lambda: tmp_path)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr("signal.signal", lambda *_: None)  # main's handler would stay in this process
    with pytest.raises(CheckpointError):
        app.build_demo()
    assert app.main(["--checkpoint", "gone"]) == 1
    assert "'gone'" in capsys.readouterr().err


def test_without_a_place_for_uploads_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    assert app.main([]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize(("space", "host"), [(None, "127.0.0.1"), ("owner/name", "0.0.0.0")])
def test_only_a_space_is_reachable_from_outside_unasked(
    space: str | None, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    if space:
        monkeypatch.setenv("SPACE_ID", space)
    assert app._parser().parse_args([]).host == host
