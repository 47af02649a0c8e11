"""Call commands wrongly: options, names, values, paths.

Held: 2 (or 1), one sentence, nothing trained, no traceback.
"""

import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cifar_core.cli import main
from cifar_core.config import FieldSpec, field_specs
from tests.tools.campaign.outcome import Outcome, complaint_about, environment, in_fork

HUGE = "9" * 400
NUMBERS = ("", " ", "1٣", "١", "²", HUGE, "-1", "nan", "inf", "-inf", "1e999", "0x10", "one", "[]")
TEXTS = ("", " ", HUGE, "no-such-name", "../..", "/", "None", "\udcff", "a\nb")
PATHS = ("", "/no/such/folder", "/dev/null", "/proc/self/mem", "{file}", "{empty}", HUGE, "a" * 300)
PICTURE = "demo/classify/examples/dog.jpg"
NETWORK = "mixing_lite.v1"
# what stands before a wrong word, and the words that are wrong there
PLACES: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("", "no-such-command", "--no-such-option", HUGE),
    ("train", "--recipe"): TEXTS,
    ("train", "--resume"): TEXTS,
    ("train", "--now", "--recipe", "smoke", "--from"): (*TEXTS[1:], *PATHS[1:]),
    ("train", "--now", "--recipe", "smoke", "--log"): TEXTS,
    ("train", "--now", "--recipe", "smoke", "--set"): ("", "=", "epochs", "=3", "no_such=1", "epochs=1=2"),
    ("train", "--now", "--recipe", "smoke", "--runs-dir"): ("{file}", "/dev/null", "/proc", PATHS[-1]),
    ("train", "--now", "--recipe", "speed_mixing", "--data-dir"): PATHS[1:],
    ("predict",): ("--top", *PATHS),
    ("predict", PICTURE, "--top"): ("0", *NUMBERS),
    ("predict", PICTURE, "--turn"): NUMBERS[:6] + NUMBERS[7:12],
    ("predict", PICTURE, "--zoom"): ("0.5", "9", *NUMBERS),
    ("predict", PICTURE, "--shift", "0"): ("2", "-1.01", *NUMBERS[:6], *NUMBERS[7:]),
    ("predict", PICTURE, "--checkpoint"): (*TEXTS, *PATHS),
    ("evaluate", "--checkpoint"): (*TEXTS, *PATHS),
    ("evaluate", "--split"): TEXTS,
    ("evaluate", "--data-dir"): PATHS[1:],
    ("evaluate", "--photographs"): PATHS,
    ("calibrate",): (*TEXTS, *PATHS),
    ("prepare",): (*TEXTS, *PATHS),
    ("export", "--checkpoint", NETWORK, "--output"): ("/", "", "/dev/null/x.onnx", "{empty}"),
    ("export", "--output", "{empty}/x.onnx", "--checkpoint"): (*TEXTS, *PATHS),
    ("export", "--output", "{empty}/x.onnx", "--format"): TEXTS,
    ("report",): TEXTS,
    ("report", NETWORK, "--form"): TEXTS,
    ("control", NETWORK): ("", "stop", "halt", "lr", HUGE),
    ("control", NETWORK, "lr"): NUMBERS,
    ("control", NETWORK, "rate"): NUMBERS,
    ("runs", "--runs-dir"): ("{file}", "/dev/null", "a" * 300),
    ("lr-find", "--recipe"): TEXTS,
    ("lr-find", "--recipe", "smoke", "--set"): ("", "lr=nan", "batch_size=1٣"),
    ("sweep", "--recipe", "smoke", "--search"): ("", "lr", "lr=", "lr=1:nan", "lr=0.1:٣", f"lr=0:{HUGE}"),
    ("sweep", "--recipe", "smoke", "--search", "lr=0.1:0.2", "--trials"): ("0", *NUMBERS),
    ("sweep", "--recipe", "smoke", "--search", "lr=0.1:0.2", "--storage"): ("{empty}", "/no/such/x", "a://"),
    ("sweep", "--study"): TEXTS,
    ("reproduce",): TEXTS,
    ("reproduce", "--table", "--results"): ("{empty}", "{file}", "/proc/self/mem"),
    ("reproduce", "mixing_lite", "--seed"): NUMBERS,
    ("ship", "no-such-run"): ("no-such", *TEXTS),
    ("ship", NETWORK): ("../x", *TEXTS),
    ("hub", "pull"): TEXTS,
    ("hub", "push"): TEXTS,
    ("space", "push"): TEXTS,
    ("data", "check", "--source"): TEXTS,
    ("data", "check", "--data-dir"): PATHS[1:],
    ("bench", "estimate", "--recipe"): TEXTS,
    ("bench", "mixing", "--seconds"): NUMBERS,
}
QUICK = ("train", "--now", "--recipe", "smoke", "--set", "epochs=1", "train_size=20")


def _wrong_values(spec: FieldSpec) -> Iterator[str]:
    """Values that no setting of this kind takes; some may be empty."""
    if spec.name not in ("recipe", "milestones", "own_images"):
        empty = {str: ("", " "), tuple: ("", " ", "[]")}.get(spec.type, ())
        values = (*NUMBERS, HUGE[:20], "{}" if spec.type is not dict else "[1]", "null", "\udcff")
        yield from (value for value in values if value not in empty)


def commands(seed: int, count: int, folder: Path) -> Iterator[Outcome]:
    """Every wrong word in its place, and every wrong value of every setting; or `count` drawn ones."""
    file, empty, runs = folder / "file", folder / "empty", folder / "runs"
    file.write_text("nothing to see here")
    empty.mkdir()
    cases = [(*before, word) for before, words in PLACES.items() for word in words]
    cases += [(*QUICK, f"{spec.name}={value}") for spec in field_specs() for value in _wrong_values(spec)]
    random.Random(seed).shuffle(cases)
    for words in cases[:count]:
        given = [word.format(file=file, empty=empty) if "{" in word[:1] else word for word in words]
        ended = in_fork(partial(main, given), {**environment(folder), "CIFAR_DATA": str(empty)})
        wrong = complaint_about(ended, (1, 2))
        wrong += " something was trained" if list(runs.rglob("events.jsonl")) else ""
        shutil.rmtree(runs, ignore_errors=True)
        yield Outcome(f"seed {seed}, {given!r:.300}", wrong)
