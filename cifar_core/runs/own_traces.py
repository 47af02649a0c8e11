"""What runs and the cache keep of own pictures, and how it is deleted: the networks themselves stay.

<runs-dir>/<id>/pictures.json             the few pictures whose answers each epoch notes
<runs-dir>/<id>/checkpoints/*/portraits.json   parts of pictures that use a kernel most
<cache>/own-….images, .json               the decoded set
"""

from pathlib import Path

from cifar_core.data.cache import default_cache_dir
from cifar_core.data.dataset import place_key
from cifar_core.runs.sample import FILE as SAMPLE
from cifar_core.runs.store import Run, RunStore

PORTRAITS = "portraits.json"


def runs_on(store: RunStore, place: Path) -> list[Run]:
    """The runs that learned from the pictures in a folder, newest first."""
    wanted = place.resolve()
    return [run for run in store.list() if run.data_dir and run.data_dir.expanduser().resolve() == wanted]


def forget_pictures(store: RunStore, place: Path) -> int:
    """Delete every file with pixels of the pictures in a folder, not the folder itself; how many files.

    Raises:
        OSError: when one cannot be deleted.
    """
    files = list(default_cache_dir().glob(f"{place_key('own', place)}.*"))
    for run in runs_on(store, place):
        files += [run.path / SAMPLE, *run.path.glob(f"checkpoints/*/{PORTRAITS}")]
    found = [path for path in files if path.exists()]
    for path in found:
        path.unlink()
    return len(found)
