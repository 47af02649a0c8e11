"""The core and the pages where Linux's own is missing: on a Windows and a macOS that are pretended."""

import re
import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT
from tests.support.other_systems import LACKS, NO_NAME, SAYS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pretends other systems on Linux")
SMALL = "epochs=2 train_size=100 val_size=50 batch_size=50 precision=fp32"
EXAMPLE = str(PROJECT_ROOT / "demo/classify/examples/dog.jpg")
RUN = f"""
from pathlib import Path
from cifar_core.cli import main
from cifar_core.runs.store import RunStore
from cifar_core.runs.trash import delete_run, remove_for_good, restore_run

assert main(["recipes"]) == 0
folder = Path.cwd() / "runs"
assert main(["train", "--recipe", "smoke", "--runs-dir", str(folder), "--set", *"{SMALL}".split()]) == 0
store = RunStore(folder)
(run,) = (run for run in store.list() if not run.shipped)
assert run.status().state == "finished" and run.last_checkpoint.exists()
assert main(["predict", {EXAMPLE!r}, "--checkpoint", str(run.best_checkpoint)]) == 0
runs, zipped = ["runs", "--runs-dir", str(folder)], str(folder.parent / "run.zip")
assert main([*runs, "--export", run.id, "--output", zipped]) == 0
assert main(["runs", "--runs-dir", str(folder.parent / "other"), "--import", zipped]) == 0
(other,) = (run for run in RunStore(folder.parent / "other").list() if not run.shipped)
assert other.config() == run.config() and other.best_checkpoint.exists()
assert main([*runs, "--disk"]) == main([*runs, "--free", run.id]) == 0
assert run.best_checkpoint.exists() and not run.last_checkpoint.exists()
assert restore_run(store, delete_run(store, run).id).status().state == "finished"
delete_run(store, run)
assert remove_for_good(store, run.id) and not list(folder.glob("**/config.json"))
"""
PAGES = f"""
import os, tempfile
from pathlib import Path
from demo.app import build_demo
from demo.classify.uploads import LOCK, PREFIX, uploads_folder
from demo.dashboard_pages import GROUPS
from demo.shared.sandbox import decode_isolated
from tests.support.page_tests import page

build_demo(public=True)
with open({EXAMPLE!r}, "rb") as file:
    assert decode_isolated(file.read()).image.width > 32
tempfile.tempdir = os.getcwd()
left = Path(f"{{PREFIX}}left")
left.mkdir()
(left / LOCK).touch()
os.utime(left, (0, 0))
with uploads_folder() as folder:
    assert folder.is_dir() and not left.exists()
for pages in GROUPS.values():
    for name in pages:
        page(name)
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("system", ["windows", pytest.param("macos", marks=pytest.mark.slow)])
@pytest.mark.parametrize("program", [RUN, PAGES], ids=["core", "pages"])
def test_it_works_where_linuxs_own_is_missing(system, program, tmp_path):
    start = f"from tests.support.other_systems import pretend; pretend({system!r})\n"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        f"import sys; sys.path.insert(0, {str(PROJECT_ROOT)!r})\n",
    ]
    command[-1] += start + program
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.mark.parametrize("system", LACKS)
def test_what_is_pretended_is_seen(system, tmp_path):
    """The stand-in stands: else the tests above would show nothing."""
    program = f"""
import sys; sys.path.insert(0, {str(PROJECT_ROOT)!r})
from tests.support.other_systems import LACKS, pretend
pretend({system!r})
import os, pathlib, signal, sys
print(sys.platform)
print(any(hasattr(seen, name) for seen in (os, signal) for name in LACKS[{system!r}][seen.__name__]))
try:
    pathlib.Path("/proc/self/status").read_text()
except OSError:
    print("no /proc")
with open("held", "w") as file:
    try:
        os.replace("held", "other")
    except PermissionError:
        print("held")
try:
    open("a:b", "w").close()
except OSError:
    print("no name")
"""
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    files = ["held", "no name"] if system == "windows" else []
    assert said.stdout.split("\n")[:-1] == [SAYS[system]["sys"]["platform"], "False", "no /proc", *files]


def test_every_file_here_can_have_its_name_on_windows():
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs git and a clone")
    names = listed.stdout.splitlines()
    assert len({name.casefold() for name in names}) == len(names) > 100
    assert not [name for name in names if any(map(NO_NAME.search, re.split("/", name)))]
