"""The base of every error that is told to a person, with the exit code that it means."""


class LabError(Exception):
    """An error of ours, a sentence for the user: what was given, what is allowed, what to do next."""

    exit_code = 1  # the command failed; 2: it was used wrongly


class InferenceError(LabError):
    """Images that a classifier cannot take, or a backend or a file format that cannot be had here."""
