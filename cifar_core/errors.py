"""The base of every error that is told to a person, and the system's errors in words."""

import errno


class LabError(Exception):
    """An error of ours, a sentence for the user: what was given, what is allowed, what to do next."""

    exit_code = 1  # the command failed; 2: it was used wrongly


class InferenceError(LabError):
    """Images that a classifier cannot take, or a backend or a file format that cannot be had here."""


NO_LOCKS = "this folder cannot hold locks; choose another"
ADVICE = {  # errno -> what can be done
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there, then try again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow it, or choose another folder"),
    **dict.fromkeys((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP), NO_LOCKS),
    errno.ENOENT: "was it moved or deleted?",
    errno.EMFILE: "close other programs, or raise the limit (`ulimit -n`)",
    errno.EADDRINUSE: "another program has this port; choose one with --port",
}


def reason_of(error: OSError) -> str:
    """What the system says, in words, and what can be done about it where that is known."""
    said = error.strerror or str(error) or type(error).__name__
    about_files = error.filename is not None or error.errno not in (errno.EACCES, errno.EPERM)
    advice = ADVICE.get(error.errno or 0) if about_files else None
    return f"{said}; {advice}" if advice else said


def sentence_of(error: LabError | OSError) -> str:
    """The sentence for the user: ours as it is, the system's with the file that it is about."""
    if isinstance(error, LabError):
        return str(error)
    words = ": ".join(str(part) for part in (error.filename, reason_of(error)) if part is not None)
    return words if words.endswith((".", "?", "!")) else f"{words}."
