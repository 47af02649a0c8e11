"""The system's errors become sentences: which file, what is wrong, what can be done."""

import errno
import os

import pytest

from cifar_core.errors import LabError, reason_of, sentence_of


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EROFS, "another folder"),
        (errno.EACCES, "another folder"),
        (errno.ENOLCK, "cannot hold locks"),
        (errno.EOPNOTSUPP, "cannot hold locks"),
        (errno.ENOENT, "moved or deleted"),
        (errno.EADDRINUSE, "--port"),
    ],
)
def test_the_place_the_trouble_and_the_way_out_are_named(number, way_out):
    words = sentence_of(OSError(number, os.strerror(number), "/some/place"))
    assert words.startswith("/some/place: ") and os.strerror(number) in words and way_out in words
    assert "Errno" not in words and words.endswith((".", "?")) and ".." not in words


@pytest.mark.parametrize("error", [OSError(), OSError("odd"), OSError(errno.EIO, "Input/output error")])
def test_what_is_not_known_is_passed_on(error):
    assert reason_of(error) and "None" not in sentence_of(error)


def test_our_own_sentences_stay_as_they_are():
    assert sentence_of(LabError("Give a number.")) == "Give a number."
