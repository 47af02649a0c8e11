"""Commands, called in this process."""

import json
import os
import sys

import pytest

from cifar_core.cli import main


@pytest.fixture
def call(capsys):
    """Run a command; gives its exit code, stdout and stderr."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def call_full(call, monkeypatch):
    """Run a command whose standard output is on a full disk; gives its exit code and stderr."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")

    def call_full(*arguments):
        with open("/dev/full", "w") as full, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", full)
            return call(*arguments)[::2]

    return call_full


@pytest.fixture
def answer(call):
    """Run a command with --json that must succeed; gives the one document that it printed."""

    def answer(*arguments):
        code, out, _ = call(*arguments, "--json")
        assert code == 0

        def refuse(word):
            raise AssertionError(f"{word} is no JSON")

        return json.loads(out, parse_constant=refuse)

    return answer
