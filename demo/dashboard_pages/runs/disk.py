"""What the runs take of the disk, and freeing some of it; a downloaded run that is brought in again."""

import streamlit as st

from cifar_core.errors import LabError
from cifar_core.runs.archive import bring_in
from cifar_core.runs.disk import describe_disk, disk_of, free_states, freed_bytes
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import name_of
from demo.dashboard_pages.runs.table import tick
from demo.dashboard_pages.runs.trash import attempt
from demo.shared.format import counted, file_size
from demo.widgets.panels import plain

SAID, REFUSED, ROUND = "runs_disk", "runs_disk_trouble", "runs_uploads"
WHAT_GOES = (
    "Only Resume needs these states. The best networks, the curves and all else on these pages stay. "
    "This cannot be undone."
)
WHAT_ENDS = "Stopped and failed runs could then no longer be resumed."
UPLOAD_MEGABYTES = 50
UPLOAD_HELP = (
    "The zip that Whole run gives, from this lab or another. All of it is checked first; a larger one comes "
    "in with: python -m cifar_core runs --import FILE"
)


def show_disk(store: RunStore) -> None:
    """One line of sizes after what was done last, and a button that asks once more."""
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(plain(refused))
    disk = disk_of(store)
    if not (disk.runs or disk.trash):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.write(plain(st.session_state.pop(SAID, "") + describe_disk(disk)))
        finished, ended = disk.to_free(), disk.to_free(unfinished=True)
        if not ended:
            return
        with st.popover(f"Free {file_size(freed_bytes(finished or ended))}"):
            st.write(WHAT_GOES)
            if finished:
                words = f"Free {counted(len(finished), 'finished run')}"
                st.button(words, on_click=_free, args=(store, [run.id for run in finished], False))
            if len(ended) > len(finished):
                st.write(WHAT_ENDS)
                size = file_size(freed_bytes(ended))
                words = f"Free {counted(len(ended), 'ended run')}, {size}, and give up resuming"
                st.button(words, on_click=_free, args=(store, [run.id for run in ended], True))


def _free(store: RunStore, run_ids: list[str], unfinished: bool) -> None:
    sizes = attempt(lambda run_id: free_states(store, store.get(run_id), unfinished), run_ids)
    st.session_state[SAID] = f"Freed {file_size(sum(sizes))}. "


def show_upload(store: RunStore) -> None:
    """Take a downloaded run, and tick it."""
    with st.expander("Bring in a downloaded run"):
        turn = st.session_state.setdefault(ROUND, 0)  # an empty place for the next one
        upload = st.file_uploader(
            "A whole run, as a zip", key=f"{ROUND}:{turn}", help=UPLOAD_HELP, max_upload_size=UPLOAD_MEGABYTES
        )
        if upload is None:
            return
        st.session_state[ROUND] = turn + 1
        try:
            with st.spinner("Checking the run"):
                from cifar_core.checkpoint import check_checkpoint

                run = bring_in(store, upload, check_checkpoint)
            tick([run.id])
            st.session_state[SAID] = f"{name_of(run)} is in the table now. "
        except LabError as error:
            st.session_state[REFUSED] = f"{upload.name} is not brought in. {error}"
        st.rerun()
