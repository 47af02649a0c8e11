"""Labels that a person gives to a run: a name, tags and a note, in labels.json of the run's folder."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from cifar_core.errors import reason_of
from cifar_core.files import build, read_json, write_json
from cifar_core.runs.run import Run
from cifar_core.runs.store import StoreError

FILE = "labels.json"
NAME_LETTERS, TAG_LETTERS, NOTE_LETTERS = 60, 24, 2000
MOST_TAGS = 8
_TAG = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class Labels:
    """A run's own words; all may be empty.

    Raises:
        StoreError: when one is too long or holds letters that cannot be shown.
    """

    name: str = ""
    tags: list[str] = field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        _check_text("name", self.name, NAME_LETTERS)
        _check_text("note", self.note.replace("\n", " ").replace("\t", " "), NOTE_LETTERS)
        if len(self.tags) > MOST_TAGS:
            raise StoreError(f"There are {len(self.tags)} tags; a run has at most {MOST_TAGS}.")
        for tag in self.tags:
            _check_tag(tag)


def _check_text(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise StoreError(f"The {what} has {len(text):,} letters; at most {most:,} are kept, so shorten it.")
    if strange := next((letter for letter in text if _is_hidden(letter)), None):
        raise StoreError(
            f"The {what} holds U+{ord(strange):04X}, which cannot be shown; type it without that."
        )


def _check_tag(tag: str) -> None:
    if len(tag) > TAG_LETTERS or not _TAG.fullmatch(tag):
        raise StoreError(
            f"'{tag:.40}' is no tag: a tag is one word of at most {TAG_LETTERS} letters, digits, . - or _."
        )


def _is_hidden(letter: str) -> bool:
    """Control letters, halves of letters, and marks that turn the direction of writing."""
    return unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co") or letter in "\u202a\u202b\u202d\u202e"


def tags_in(words: str | Iterable[str]) -> list[str]:
    """ "Baseline, wide" -> ["baseline", "wide"]: lower case, each once, in their order."""
    parts = re.split(r"[,\s]+", words) if isinstance(words, str) else words
    return list(dict.fromkeys(part.strip().lower() for part in parts if part.strip()))


def read_labels(run: Run) -> Labels:
    """The labels of a run, empty where there are none.

    Raises:
        StoreError: when their file is damaged.
    """
    path = run.path / FILE
    if not path.exists():
        return Labels()
    document = read_json(path)
    try:
        return build(Labels, document)
    except (TypeError, StoreError) as error:
        raise StoreError(f"{path} is damaged: {error}") from None


def write_labels(run: Run, labels: Labels) -> None:
    """Keep labels in the place of those before.

    Raises:
        StoreError: for a shipped run, or where the file cannot be written.
    """
    if run.shipped:
        raise StoreError(f"'{run.id}' came with the project and keeps its name; label runs of your own.")
    try:
        write_json(run.path / FILE, asdict(labels))
    except OSError as error:
        raise StoreError(f"The labels of '{run.id}' cannot be written: {reason_of(error)}.") from None
