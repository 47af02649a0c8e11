"""The campaign of faults, in small: a few of each kind hold, and it sees what does not."""

import os
import re
import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="forks and faults of Linux")
FEW = {"kills": 5, "damaged": 2, "commands": 20, "streams": 3, "signals": 2}
QUICK = ("commands",)
KINDS = [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in FEW]


def campaign(tmp_path, before, *words):
    """Run it in a process of its own, after the statements `before`; gives its exit code and its words."""
    code = (
        f"{before}\nimport sys\nfrom tests.tools.campaign.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, words)]
    ended = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, env=environment)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_of_each_kind_hold(kind, tmp_path):
    code, said = campaign(tmp_path, "", "--only", kind, f"--{kind}", FEW[kind])
    tried, held = re.search(rf"^{kind}: tried (\d+), held (\d+)", said, re.M).groups()
    assert code == 0 and tried == held and int(tried) >= FEW[kind], said


BROKEN = {
    "kills": "import tests.tools.campaign.kills as k; real = k.remains\n"
    "k.remains = lambda run: {**real(run), 'state': b'another'}",
    "commands": "import tests.tools.campaign.commands as c\nc.main = lambda words: 1 / 0",
    "streams": "import tests.tools.campaign.streams as s\ns.TRAININGS = {}\n"
    "s.WAYS = {'full stdout': ('>/dev/full 2>/dev/null', 1, 1)}",
    "signals": "import signal, tests.tools.campaign.signals as s\n"
    "s.SIGNALS, s.LONGEST_SECONDS = (signal.SIGWINCH,), 0.1",  # which nobody heeds
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.values[0] in BROKEN])
def test_what_does_not_hold_is_told_with_what_repeats_it(kind, tmp_path):
    code, said = campaign(tmp_path, BROKEN[kind], "--seed", 3, "--only", kind, f"--{kind}", 2)
    assert code == 1 and f"{kind}: tried 2, held 0" in said
    assert said.count("NOT HELD") in (1, 2) and "seed 3, " in said
    signs = {"kills": ": state (", "commands": "a traceback", "streams": "no sentence", "signals": "with 0"}
    assert signs[kind] in said
