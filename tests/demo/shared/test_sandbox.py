"""The separate process gives the same pictures and sentences, and being cut off is a sentence too."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cifar_core.images.decode import FORMATS, ImageError, decode
from demo.shared import sandbox, sandbox_child
from demo.shared.sandbox import decode_isolated
from tests.support.hostile_uploads import UPLOADS, Upload, quarters, saved

PICTURE = saved(quarters(), "PNG")
ROOT = Path(__file__).resolve().parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="counts on Linux's limits and on /proc")
# Runs in the child, in the place of reading a picture: what it can reach is its answer.
REACH = """
def reach(data):
    import json, resource, socket
    def fork():
        if not os.fork():
            os._exit(0)
    acts = {
        "read": lambda: open("/etc/hostname"),
        "write": lambda: open("/tmp/left_behind", "w"),
        "list": lambda: os.listdir("/"),
        "connect": socket.socket,
        "pipe": os.pipe,
        "fork": fork,
    }
    found = {"reached": [], "environment": sorted(os.environ), "picture": data.decode()}
    for name, act in acts.items():
        try:
            act()
            found["reached"].append(name)
        except OSError:
            pass
    found["memory"] = resource.getrlimit(resource.RLIMIT_AS)[1]
    yield json.dumps({"error": json.dumps(found)}).encode() + b"\\n"
"""


@pytest.fixture
def fresh() -> Iterator[None]:
    """The test starts its own decoder process, and leaves none."""
    sandbox.decoder.stop()
    yield
    sandbox.decoder.stop()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, fresh: None) -> Callable[..., None]:
    """Let the children answer as a program says, which defines the function `reach`."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")

    def answer_as(program: str, limit_seconds: int = 10) -> None:
        source = (
            f"import os, sys, time\nfrom demo.shared import sandbox_child as process\n{program}\n"
            f"process.TIME_LIMIT_SECONDS = {limit_seconds}\n"
            "process.warm_up = lambda: b''\nprocess.answer = lambda data: reach(data) if data else []\n"
            "process.main()"
        )
        monkeypatch.setattr(sandbox, "_command", lambda: [sys.executable, "-c", source])

    return answer_as


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda upload: upload.name)
def test_the_same_picture_or_the_same_sentence(upload: Upload) -> None:
    try:
        here = decode(upload.data)
    except ImageError as error:
        with pytest.raises(ImageError) as apart:
            decode_isolated(upload.data)
        assert str(apart.value) == str(error)
    else:
        there = decode_isolated(upload.data)
        assert there.image.size == here.image.size
        assert there.image.tobytes() == here.image.tobytes()
        assert there.notes == here.notes


def test_it_works_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert decode_isolated(PICTURE).image.size == (48, 32)


@linux
def test_a_child_reaches_nothing_but_its_connection(
    answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    answering(REACH)
    with pytest.raises(ImageError) as caught:
        decode_isolated(b"the picture")
    found = json.loads(str(caught.value))
    assert found["picture"] == "the picture"
    assert found["memory"] == sandbox_child.MEMORY_LIMIT_BYTES
    assert "HF_TOKEN" not in found["environment"]
    may_fork = (
        os.geteuid() == 0 or "HEIC" in FORMATS
    )  # root is above that limit; HEIC's decoder needs a thread
    assert found["reached"] == (["fork"] if may_fork else [])


@pytest.mark.parametrize(
    "program",
    [
        "def reach(data): yield b''",
        "def reach(data): yield b'7\\n'",
        "def reach(data): yield b'{}\\n'",
        'def reach(data): yield b\'{"size": [9, 9], "notes": []}\\n\'',
        'def reach(data): yield b\'{"size": [-9, -9], "notes": []}\\n\'',
        'def reach(data): yield b\'{"size": [90000, 90000], "notes": []}\\n\'',
        "def reach(data): yield b'x' * 9_000_000",
        "def reach(data): os.kill(os.getpid(), 11)",
        "def reach(data): os._exit(0)",
        "def reach(data): raise SystemExit(9)",
        "def reach(data): yield bytes(2**40)",
    ],
)
def test_a_broken_answer_is_a_sentence(program: str, answering: Callable[..., None]) -> None:
    answering(program)
    for _ in range(2):
        with pytest.raises(ImageError, match="takes too much time or memory"):
            decode_isolated(PICTURE + bytes(1_000_000))


@pytest.mark.parametrize("busy", ["time.sleep(99)", "pass"])
def test_a_child_that_hangs_is_ended(busy: str, answering: Callable[..., None]) -> None:
    answering(f"def reach(data):\n    while True: {busy}", limit_seconds=1)
    with pytest.raises(ImageError, match="takes too much time or memory"):
        decode_isolated(PICTURE)
    assert sandbox.decoder._process, "it did not end by itself: it was given up"


def test_a_child_that_outlives_its_limits_is_given_up(
    answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering("import signal\ndef reach(data):\n    signal.alarm(0)\n    while True: time.sleep(99)")
    monkeypatch.setattr(sandbox, "TIME_LIMIT_SECONDS", 0.2)
    monkeypatch.setattr(sandbox, "GRACE_SECONDS", 0.2)
    with pytest.raises(ImageError, match="takes too much time or memory"):
        decode_isolated(PICTURE)
    assert sandbox.decoder._process is None
    monkeypatch.undo()
    assert decode_isolated(PICTURE).image.size == (48, 32)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is kept running without fork")
def test_it_is_started_again_after_it_died() -> None:
    decode_isolated(PICTURE)
    process = sandbox.decoder._process
    assert process
    process.kill()
    process.wait()
    assert decode_isolated(PICTURE).image.size == (48, 32)


def test_more_pictures_than_places_wait_for_each_other() -> None:
    sizes: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(decode_isolated(PICTURE).image.size)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sizes == [(48, 32)] * 12


def test_where_no_place_becomes_free_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIME_LIMIT_SECONDS", 0.1)
    monkeypatch.setattr(sandbox, "_places", threading.BoundedSemaphore(1))
    with sandbox._places, pytest.raises(ImageError, match="Too many pictures are being read"):
        decode_isolated(PICTURE)


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


@linux
def test_the_processes_are_few_and_end_with_the_program() -> None:
    program = (
        "from demo.shared.sandbox import decode_isolated, decoder\n"
        "from tests.support.hostile_uploads import *\n"
        "for _ in range(5): decode_isolated(saved(quarters(), 'PNG'))\n"
        "print(decoder._process.pid, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as run:
        assert run.stdin and run.stdout
        nursery = int(run.stdout.readline())
        ends = time.monotonic() + 10  # the child for the next picture may be on its way
        while not (children := children_of(nursery)) and time.monotonic() < ends:
            time.sleep(0.05)
        assert 1 <= len(children) <= sandbox_child.PLACES
        run.kill()  # no time to clear up: the processes have to notice by themselves
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in [nursery, *children]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_without_fork_every_picture_has_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    sandbox.decoder.stop()
    sandbox.decoder.start()
    assert sandbox.decoder._process is None
    assert decode_isolated(PICTURE).image.tobytes() == decode(PICTURE).image.tobytes()
    with pytest.raises(ImageError, match="The file is empty"):
        decode_isolated(b"")
