"""The Hub and torchvision's archive, from a server on this machine that stands in for both."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cifar_core.data import DataError, download, load_data
from cifar_core.datasets import CIFAR10

ARCHIVE = CIFAR10.archive.name
DOWNLOADS = ("from the Hub", f"downloading {ARCHIVE}")


@pytest.fixture
def on_hub(network, tmp_path, toy, train, test):
    """The stand-in server with the data set as the Hub has it."""
    network.hub(toy.write_parquet(tmp_path / "repository" / "plain_text", train, test, shards=1).parent)
    return network


@pytest.fixture
def at_home(network, packed):
    """The stand-in server with torchvision's archive, and nothing of the Hub."""
    network.files["/cifar-10-python.tar.gz"] = packed.read_bytes()
    return network


def same(split, expected) -> bool:
    return np.array_equal(split.images, expected.images) and np.array_equal(split.targets, expected.targets)


def test_hub_comes_first_and_reports_its_bytes(on_hub, at_home, cache_dir, train, test, progress):
    data = load_data(cache_dir=cache_dir, progress=progress)
    assert same(data.train, train) and same(data.test, test)
    assert "uoft-cs/cifar10 from the Hugging Face Hub" in data.source
    last = {what: (done, total) for what, done, total in progress.calls if what.endswith(DOWNLOADS)}
    sizes = {
        path.rpartition("/")[2]: len(body) for path, body in on_hub.files.items() if path.endswith("parquet")
    }
    assert last == {f"downloading {name} from the Hub": (size, size) for name, size in sizes.items()}
    assert "GET /cifar-10-python.tar.gz" not in on_hub.log


def test_second_start_asks_nobody(on_hub, cache_dir):
    first = load_data(cache_dir=cache_dir)
    on_hub.log.clear()
    assert load_data(cache_dir=cache_dir).fingerprint == first.fingerprint
    assert load_data(cache_dir=cache_dir, download=False).fingerprint == first.fingerprint
    assert on_hub.log == []


def test_files_in_the_hubs_cache_are_found_without_the_network(on_hub, cache_dir, train):
    load_data(cache_dir=cache_dir)
    on_hub.log.clear()
    assert same(load_data(cache_dir=cache_dir / "another", download=False).train, train)
    assert on_hub.log == []


def test_interrupted_hub_download_is_completed(on_hub, cache_dir, train):
    missing = next(path for path in on_hub.files if path.endswith("train-00000-of-00001.parquet"))
    body = on_hub.files.pop(missing)
    with pytest.raises(DataError):
        load_data(cache_dir=cache_dir)
    on_hub.files[missing] = body
    assert same(load_data(cache_dir=cache_dir).train, train)


def test_altered_file_in_the_hubs_cache_is_named(on_hub, cache_dir, tmp_path):
    load_data(cache_dir=cache_dir)
    (blob, *_) = sorted((tmp_path / "hub-cache").rglob("blobs/*"), key=lambda path: -path.stat().st_size)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    with pytest.raises(DataError, match="its sha256 is"):
        load_data(cache_dir=cache_dir, download=False)


def test_torchvisions_archive_comes_second(at_home, cache_dir, train, test, progress):
    data = load_data(cache_dir=cache_dir, progress=progress)
    assert same(data.train, train) and same(data.test, test)
    assert "torchvision's archive" in data.source
    size = len(at_home.files["/cifar-10-python.tar.gz"])
    assert (f"downloading {ARCHIVE}", size, size) in progress.calls
    at_home.log.clear()
    assert load_data(cache_dir=cache_dir).fingerprint == data.fingerprint and at_home.log == []
    assert not list(cache_dir.glob("*.part"))


def test_archive_cut_off_is_continued_where_it_ended(at_home, cache_dir, train):
    at_home.cut_after = 1000
    with pytest.raises(DataError, match="did not give the archive"):
        load_data(cache_dir=cache_dir)
    part = cache_dir / f"{ARCHIVE}.part"
    assert part.read_bytes() == at_home.files["/cifar-10-python.tar.gz"][:1000]
    at_home.cut_after = None
    assert same(load_data(cache_dir=cache_dir).train, train)
    assert not part.exists()


def test_complete_part_is_taken_without_fetching_it_again(at_home, cache_dir, train):
    cache_dir.mkdir()
    (cache_dir / f"{ARCHIVE}.part").write_bytes(at_home.files["/cifar-10-python.tar.gz"])
    assert same(load_data(cache_dir=cache_dir).train, train)


def test_altered_archive_is_deleted(at_home, cache_dir):
    at_home.files["/cifar-10-python.tar.gz"] = b"x" * 5000
    with pytest.raises(DataError, match="its md5 is"):
        load_data(cache_dir=cache_dir)
    assert not list(cache_dir.glob(f"{ARCHIVE}*"))


def test_nothing_to_be_had_names_both_troubles_and_the_three_ways(network, cache_dir):
    with pytest.raises(DataError) as caught:
        load_data(cache_dir=cache_dir)
    message = str(caught.value)
    assert (
        "the Hub did not give uoft-cs/cifar10" in message
        and f"{network.url}/{ARCHIVE} did not give" in message
    )
    for way in ("--data-dir", "CIFAR_DATA", "hf download uoft-cs/cifar10", ARCHIVE, "synthetic"):
        assert way in message
    assert "\n" not in message


def test_download_switched_off_says_so(network, cache_dir):
    with pytest.raises(DataError, match="downloading is switched off"):
        load_data(cache_dir=cache_dir, download=False)
    assert network.log == []


def test_server_that_never_answers_is_given_up_soon(network, cache_dir, monkeypatch):
    monkeypatch.setattr(download, "HUB_SECONDS", 0.2)
    monkeypatch.setattr(download, "ARCHIVE_SECONDS", 0.2)
    given_up = threading.Event()
    monkeypatch.setattr(network, "answer", lambda request, with_body: given_up.wait(60))
    start = time.monotonic()
    with pytest.raises(DataError, match="three ways"):
        load_data(cache_dir=cache_dir)
    assert time.monotonic() - start < 30
    given_up.set()


def test_hf_endpoint_is_followed(on_hub, cache_dir, tmp_path):
    """A process of its own, as huggingface_hub reads HF_ENDPOINT when it is imported."""
    script = "from cifar_core.data import load_data; print(load_data().fingerprint)"
    own = {
        "HF_ENDPOINT": on_hub.url,
        "HF_HOME": str(tmp_path / "hf-home"),
        "CIFAR_LAB_CACHE": str(cache_dir / "own"),
    }
    command, environment = [sys.executable, "-c", script], {**os.environ, **own}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == load_data(cache_dir=cache_dir).fingerprint
    assert answer.stderr == ""
