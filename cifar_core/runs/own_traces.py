"""What runs and the cache keep of own pictures, and how all of it but the networks is deleted.

<runs-dir>/<id>/run.json                  the folder that they were in
<runs-dir>/<id>/pictures.json             the few pictures whose answers each epoch notes
<runs-dir>/<id>/checkpoints/*/portraits.json   parts of pictures that use a kernel most
<cache>/own-….images, .json               the decoded set
"""

from pathlib import Path

from cifar_core.data.cache import forget
from cifar_core.data.dataset import DataError, place_key
from cifar_core.files import PORTRAITS, RUNS_BEST
from cifar_core.runs.run import Run
from cifar_core.runs.sample import FILE as SAMPLE
from cifar_core.runs.store import RunStore, StoreError


def runs_on(store: RunStore, place: Path) -> list[Run]:
    """The runs that learned from the pictures in a folder, newest first."""
    wanted = place.resolve()
    return [run for run in store.list() if run.data_dir and run.data_dir.expanduser().resolve() == wanted]


def own_folder(checkpoint: Path) -> Path | None:
    """The folder of own pictures that a run's kept weights learned from; None for any other weights.

    Raises:
        DataError: when it is no longer there.
    """
    path = checkpoint.resolve()
    run = Run(path.parents[1]) if path.parts[-2:] == Path(RUNS_BEST).parts else None
    try:
        if run is None or run.data_dir is None or not run.config().data_set.is_own:
            return None
    except StoreError:  # damaged; the weights and their card may be whole
        return None
    if not run.data_dir.expanduser().is_dir():
        raise DataError(
            f"The pictures that this network learned from are no longer in {run.data_dir}; "
            "name the folder that has them now: --data-dir."
        )
    return run.data_dir


def forget_pictures(store: RunStore, place: Path) -> None:
    """Delete every file with pixels of the pictures in a folder, but not the folder itself.

    Raises:
        OSError: when one cannot be deleted.
    """
    forget(place_key("own", place))
    for run in runs_on(store, place):
        for path in (run.path / SAMPLE, *run.path.glob(f"checkpoints/*/{PORTRAITS}")):
            path.unlink(missing_ok=True)
