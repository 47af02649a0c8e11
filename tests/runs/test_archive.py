"""A run comes back from its zip as it was; nothing else gets into the store, and a refusal leaves nothing."""

import io
import json
import random
import stat
import zipfile

import pytest

from cifar_core.bench.reproduce import find_run
from cifar_core.checkpoint import check_checkpoint, load_checkpoint
from cifar_core.errors import LabError
from cifar_core.runs import archive as subject
from cifar_core.runs.archive import FOLDER, LIMITS, MOST_ENTRIES, bring_in, write_archive
from cifar_core.runs.labels import Labels, read_labels, write_labels
from cifar_core.runs.sample import read_sample
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.trash import delete_run
from tests.support.fake_runs import keep_running, make_run
from tests.support.toy_checkpoints import save_toy


@pytest.fixture
def other(tmp_path):
    """Another machine's store."""
    return RunStore(tmp_path / "other")


@pytest.fixture
def run(store):
    run = make_run(store)
    save_toy(run.best_checkpoint)
    save_toy(run.last_checkpoint)
    write_labels(run, Labels("mine", ["wide"], "a note"))
    return run


def zipped(run) -> bytes:
    file = io.BytesIO()
    write_archive(run, file)
    return file.getvalue()


def take(store, content: bytes):
    return bring_in(store, io.BytesIO(content), check_checkpoint)


def changed(content: bytes, parts=None, without=()) -> bytes:
    """The zip with some files replaced or added (name below the run's folder, or whole ZipInfo)."""
    parts, made = dict(parts or {}), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            part = entry.filename.split("/", 1)[1]
            if part not in without:
                new.writestr(entry.filename, parts.pop(part, old.read(entry)))
        for name, text in parts.items():
            new.writestr(name, text)
    return made.getvalue()


def folder_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()[0].split("/")[0]


def is_empty(store) -> bool:
    """No run, and nothing left of what was unpacked."""
    return not [path for path in store.root.rglob("*") if path.is_file() and path.name != "lock"]


def test_a_run_comes_back_as_it_was(run, other):
    content = zipped(run)
    came = take(other, content)
    assert came.id == run.id and [one.id for one in other.list()] == [run.id]
    assert (came.config(), came.events(), came.created) == (run.config(), run.events(), run.created)
    assert read_labels(came) == read_labels(run) and read_sample(came) == read_sample(run)
    assert came.log_tail() == run.log_tail() and came.status().state == "finished"
    assert load_checkpoint(came.best_checkpoint)[1] == load_checkpoint(run.best_checkpoint)[1]
    assert not came.last_checkpoint.exists() and came.freed and "cannot be resumed" in came.resuming
    assert list((other.root / FOLDER).iterdir()) == [other.root / FOLDER / "lock"]
    again = take(other, zipped(came))
    assert again.id != run.id and again.events() == run.events()


def test_where_the_data_lay_and_who_was_told_stays_behind(store, other, tmp_path):
    from cifar_core.config import TrainConfig

    run = store.create(TrainConfig(), tmp_path / "secret")
    (run.path / "trackers.json").write_text('{"names": ["wandb"]}')
    run.write_status(Status("stopped", pid=77, queued=5.0, line="there"))
    content = zipped(run)
    assert b"secret" not in content and b"wandb" not in content
    forged = changed(content, {"run.json": '{"created": 5.0, "data_dir": "/etc"}'})
    came = take(other, forged)
    status = came.status()
    assert (came.data_dir, came.created) == (None, 5.0)
    assert (status.pid, status.queued, status.line) == (0, 0.0, "")


@pytest.mark.parametrize("state", ["running", "paused", "waiting"])
def test_one_that_was_under_way_arrives_as_stopped(store, other, state):
    run = make_run(store, epochs=2, state=state)
    with open(run.path / "events.jsonl", "a") as file:
        file.write('{"type": "st')  # a line that is being written
    lock = keep_running(run)
    came = take(other, zipped(run))
    status = came.status()
    assert (status.state, status.pid, status.eta_seconds) == (
        "stopped",
        0,
        None,
    ) and "under way" in status.message
    assert came.events() == run.events()
    lock.release()


def test_one_whose_process_died_arrives_as_failed(store, other):
    came = take(other, zipped(make_run(store, epochs=2, state="running")))
    assert came.status().state == "failed" and "cannot be resumed" in came.status().message


def test_a_name_that_is_taken_also_in_the_trash_gives_a_new_one(run, store):
    content, names = zipped(run), {run.id}
    delete_run(store, run)
    for _ in range(3):
        names.add(take(store, content).id)
    assert len(names) == 4 and all(name[:-4] == run.id[:-4] for name in names)


def test_shipped_and_damaged_runs_are_not_packed(run):
    (run.path / "config.json").write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        zipped(run)
    (run.path / "card.json").touch()
    with pytest.raises(StoreError, match="came with the project"):
        zipped(run)


def test_a_network_that_is_replaced_meanwhile_is_noticed(run, monkeypatch):
    add = subject._add

    def replaced(archive, path, name):
        add(archive, path, name)
        if path.name == "weights.safetensors":
            save_toy(run.best_checkpoint, seed=1, epoch=3)

    monkeypatch.setattr(subject, "_add", replaced)
    with pytest.raises(StoreError, match="download it again"):
        zipped(run)


OUTSIDE = ("../../evil", "/etc/evil", "..\\evil", "run/../../evil", "run/config.json/../x", "a/b/c")
FOREIGN = (
    "run/checkpoints/last/resume.safetensors",
    "run/request.json",
    "run/lock",
    "run/card.json",
    "run/x.pkl",
)


@pytest.mark.parametrize(
    "name", [*OUTSIDE, *FOREIGN, "../run/log.txt", ".hidden/log.txt", "é/log.txt", "/log.txt"]
)
def test_only_files_of_a_run_are_taken(run, other, tmp_path, name):
    with pytest.raises(StoreError, match="no file of a downloaded run") as error:
        take(other, changed(zipped(run), {name: "x"}, without=["log.txt"]))
    assert name.replace("\\", "\\\\") in str(error.value) and is_empty(other)
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name or path.name == "hidden"]


def special(run, **values) -> bytes:
    """A zip of two files, the second with these values of a ZipInfo."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("run/config.json", (run.path / "config.json").read_bytes())
        entry = zipfile.ZipInfo("run/status.json")
        for name, value in values.items():
            setattr(entry, name, value)
        archive.writestr(entry, (run.path / "status.json").read_bytes())
    return made.getvalue()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"external_attr": (stat.S_IFLNK | 0o777) << 16}, "link"),
        ({"external_attr": (stat.S_IFCHR | 0o777) << 16}, "device"),
        ({"compress_type": zipfile.ZIP_BZIP2}, "packed unusually"),
        ({"compress_type": zipfile.ZIP_LZMA}, "packed unusually"),
    ],
)
def test_links_and_rare_kinds_are_refused(run, other, values, words):
    take(other, special(run))
    with pytest.raises(StoreError, match=words):
        take(RunStore(other.root / "second"), special(run, **values))
    assert is_empty(RunStore(other.root / "second"))


def test_encrypted_files_are_refused(run, other):
    content = bytearray(special(run))
    at = content.rindex(b"PK\1\2") + 8  # the flags in the last entry of the directory
    content[at] |= 1
    with pytest.raises(StoreError, match="encrypted"):
        take(other, bytes(content))


def test_sizes_and_counts_are_bounded_before_anything_is_unpacked(run, other, monkeypatch):
    content = zipped(run)
    many = changed(content, {f"{folder_of(content)}/{number}/": "" for number in range(MOST_ENTRIES)})
    with pytest.raises(StoreError, match=f"at most {MOST_ENTRIES}"):
        take(other, many)
    monkeypatch.setitem(LIMITS, "log.txt", 1000)
    bomb = changed(content, {"log.txt": "x" * 1001})
    with pytest.raises(StoreError, match=r"1\.00 kB unpacked; the limit is 1\.00 kB"):
        take(other, bomb)
    assert is_empty(other)
    lying = bytearray(changed(content, {"log.txt": "x" * 5000}))
    for mark in (b"PK\1\2", b"PK\3\4"):  # both headers state a smaller size than what comes
        for at in range(len(lying)):
            if lying.startswith(mark, at) and b"log.txt" in lying[at : at + 120]:
                place = at + (24 if mark == b"PK\1\2" else 22)
                lying[place : place + 4] = (900).to_bytes(4, "little")
    with pytest.raises(StoreError, match="no whole zip file"):
        take(other, bytes(lying))
    assert is_empty(other)


def test_two_runs_a_file_twice_and_one_missing_are_told(run, other):
    content = zipped(run)
    name = folder_of(content)
    with pytest.raises(StoreError, match="2 runs"):
        take(other, changed(content, {"second/log.txt": "x"}, without=["log.txt"]))
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = changed(content, {f"{name}/log.txt": "x"})
    with pytest.raises(StoreError, match="twice"):
        take(other, twice)
    for part in ("config.json", "status.json"):
        with pytest.raises(StoreError, match=f"no {part}"):
            take(other, changed(content, without=[part]))
    for empty in (b"", b"no zip", b"PK\5\6" + bytes(18)):
        with pytest.raises(StoreError, match="zip"):
            take(other, empty)
    assert is_empty(other)


STEP = (
    '{"type": "step", "epoch": 1, "step": 1, "loss": 2.0, "accuracy": 0.1, "lr": 0.1, '
    '"images_per_second": 9.0, "mixing": %s}\n'
)
GRAY = json.dumps({"shape": [1, 1, 3, 1], "pixels": "AAAA", "targets": [0], "class_names": ["a"]})
HUGE = "1" + 30 * "0"
DAMAGED = {
    "config.json": ["", "{", "[]", '{"recipe": 5}', '{"recipe": "\\ud800x"}',
                    '{"epochs": 1e999}', "[" * 100_000],
    "status.json": ["{", '{"state": "happy"}', '{"state": "damaged"}', "{}",
                    f'{{"state": "stopped", "total": {HUGE}}}'],
    "run.json": ["{"],
    "labels.json": ["{", '{"name": "\\u202e"}', '{"tags": ["a b"]}', json.dumps({"note": "x" * 5000})],
    "pictures.json": ["{", GRAY, '{"shape": [1], "pixels": "", "targets": [], "class_names": []}'],
    "events.jsonl": ['{"type": "evil"}\n', "[" + 600_000 * "{}," + "1]\n", STEP % "[[0.5, 0.5]]", "{\n",
                     '{"type": "resume", "step": 1, "time": NaN}\n', "\xff\n",
                     f'{{"type": "resume", "step": {HUGE}, "time": 1.0}}\n',
                     '{"type": "resume", "step": 1, "time": 1e999}\n'],
    "checkpoints/best/card.json": ["{", '{"model": "none"}'],
    "checkpoints/best/weights.safetensors": ["", "x" * 100, "\x80\x02}q\x00."],
}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "text"), [(part, text) for part, texts in DAMAGED.items() for text in texts]
)
def test_what_the_readers_refuse_gets_no_place(run, other, part, text):
    with pytest.raises(LabError) as error:
        take(other, changed(zipped(run), {part: text.encode("latin-1")}))
    assert str(error.value).endswith(".") and is_empty(other)


def test_a_training_that_diverges_comes_back(run, other):
    content = changed(zipped(run), {"events.jsonl": (STEP % "[]").replace("2.0", "1e38").encode()})
    assert take(other, content).events()[0].loss == 1e38


def test_a_refusal_names_the_run_and_no_folder_that_is_gone(run, other):
    with pytest.raises(StoreError) as error:
        take(other, changed(zipped(run), {"events.jsonl": b"{}\n"}))
    assert run.id in str(error.value) and FOLDER not in str(error.value)


def test_what_no_archive_could_hold_is_told_as_it_is_written(run, monkeypatch):
    monkeypatch.setitem(LIMITS, "log.txt", 4)
    (run.path / "log.txt").write_text("long ago, now")
    with zipfile.ZipFile(io.BytesIO(zipped(run))) as archive:
        assert archive.read(f"{run.id}/log.txt") == b" now"
    monkeypatch.setitem(LIMITS, "events.jsonl", 4)
    with pytest.raises(StoreError, match="too large"):
        zipped(run)


def test_a_file_from_elsewhere_is_no_result_of_this_machine(run, other):
    came = take(other, zipped(run))
    assert came.imported and not run.imported and find_run(other, came.config()) is None


def test_a_network_that_does_not_fit_its_card_gets_no_place(run, other):
    content = zipped(run)
    card = json.loads((run.best_checkpoint / "card.json").read_text())
    for change in ({"model_args": {"widths": [10**6, 10**6]}}, {"class_names": ["a", "b"]}, {"mean": [0.0]}):
        with pytest.raises(StoreError):
            take(other, changed(content, {"checkpoints/best/card.json": json.dumps(card | change)}))
    with pytest.raises(StoreError, match="missing"):
        take(other, changed(content, without=["checkpoints/best/weights.safetensors"]))
    assert is_empty(other)


def test_three_hundred_damaged_archives_give_a_run_or_a_sentence(run, other):
    content, chance, refused = zipped(run), random.Random(3), 0
    small = changed(content, without=[part for part in LIMITS if "best" in part])
    for _ in range(300):
        damaged = bytearray(small)
        for _ in range(chance.choice((1, 2, 20))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            damaged = damaged[: chance.randrange(len(damaged))]
        try:
            came = take(other, bytes(damaged))
        except LabError as error:
            assert str(error).strip()
            refused += 1
        else:
            assert came.status().state != "damaged" and came.path.parent == other.root
    assert refused > 100 and list((other.root / FOLDER).iterdir()) == [other.root / FOLDER / "lock"]


def test_what_a_killed_process_left_goes_and_two_do_not_meet(run, other, monkeypatch):
    left = other.root / FOLDER / "abc"
    left.mkdir(parents=True)
    (left / "log.txt").touch()
    take(other, zipped(run))
    assert not left.exists()
    monkeypatch.setattr(subject, "PATIENCE_SECONDS", 0.05)
    with subject.FileLock(other.root / FOLDER / "lock"), pytest.raises(StoreError, match=r"another|Another"):
        take(other, zipped(run))


def test_a_full_disk_leaves_nothing_and_says_so(run, other, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(subject.os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device; make room"):
        take(other, zipped(run))
    monkeypatch.undo()
    assert is_empty(other)


def test_an_archive_made_by_hand_with_folders_is_taken(run, other):
    content = zipped(run)
    name = folder_of(content)
    assert take(other, changed(content, {f"{name}/": "", f"{name}/checkpoints/": ""})).id == run.id
