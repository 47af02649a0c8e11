"""The head of a run's page: how far it is, what can be done with it, and how it ended."""

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.runs.history import History
from cifar_core.runs.launch import launch
from cifar_core.runs.status import Resources
from cifar_core.runs.store import Run, Status, StoreError
from demo.dashboard_pages.live.details import show_log
from demo.dashboard_pages.live.lr_control import show_lr_control
from demo.shared.format import counted, duration, megabytes, percent
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_facts, show_link
from demo.widgets.run_status import RESUMABLE, describe_failure, progress_of

SAVED = "the latest are saved, to go on with later"
ASKED = "Asked; the run answers at its next step."


def show_progress(run: Run, status: Status, history: History) -> None:
    """The bar, and one line of figures."""
    fraction, words = progress_of(status)
    if status.active:
        st.progress(fraction, text=plain(words))
    show_facts(facts_of(run, status, history))


def facts_of(run: Run, status: Status, history: History) -> list[tuple[str, str]]:
    """What a reader wants to know at a glance, as (label, value)."""
    start, last = history.start, history.steps[-1] if history.steps else None
    facts = []
    if start is not None:
        total = max(1, start.total_steps // history.steps_per_epoch)
        now = min(total, max(len(history.epochs), last.epoch if last else 0))
        facts.append(("Epoch", f"{now} of {total}"))
        if not status.active:  # else the bar says it
            facts.append(("Step", f"{last.step if last else 0:,} of {start.total_steps:,}"))
    if last is not None and status.active:
        facts.append(("Speed", f"{last.images_per_second:,.0f} images/s"))
    if history.best is not None:
        best = history.best
        facts.append(
            (f"Best {history.monitored} accuracy", f"{percent(best.val_accuracy)} (epoch {best.epoch})")
        )
    if history.epochs:
        facts.append(("Training time", duration(history.end.seconds if history.end else history.seconds)))
    if status.active and status.resources is not None:
        facts += resource_facts(status.resources)
    if start is not None:
        facts.append(("Device", f"{start.device}, {start.precision}"))
    return facts


def resource_facts(resources: Resources) -> list[tuple[str, str]]:
    """What the training takes of the machine, as (label, value)."""
    facts = []
    if resources.memory_mb is not None:
        facts.append(("Memory", megabytes(resources.memory_mb)))
    if resources.cores is not None:
        whole = "" if resources.machine is None else f", machine {100 * resources.machine:.0f} % busy"
        facts.append(("CPU", f"{resources.cores:.1f} of {counted(resources.all_cores, 'core')}{whole}"))
    if resources.gpu_memory_mb is not None and resources.gpu_total_mb is not None:
        work = "" if resources.gpu is None else f"{100 * resources.gpu:.0f} %, "
        facts.append(
            ("GPU", f"{work}{megabytes(resources.gpu_memory_mb)} of {megabytes(resources.gpu_total_mb)}")
        )
    return facts


def show_controls(run: Run, status: Status, history: History) -> None:
    """The buttons that make sense in this state."""
    if run.shipped or is_public():
        return
    with st.container(horizontal=True):
        if status.state == "waiting":
            _button("Withdraw", run, "stop", "Leave the line; the run is kept, to be started later.")
        elif status.state == "paused":
            _button("Continue", run, "continue", "Go on where it stopped.")
        elif status.active:
            _button("Pause", run, "pause", "Keep everything in memory and give the processor free.")
        if status.state in ("running", "paused"):
            _button("Stop", run, "stop", f"End at the next step. The best weights stay, and {SAVED}.")
            show_lr_control(run, history)
        elif status.state in RESUMABLE and st.button("Resume", type="primary", help="Go on from there."):
            _resume(run)
    if status.active and run.waiting_request() is not None:
        st.caption(ASKED)
    run_id, trouble = st.session_state.get("control_trouble", ("", ""))
    if run_id == run.id:
        st.error(plain(trouble))
    if not status.active:
        st.session_state.pop("control_trouble", None)


def _button(label: str, run: Run, request: str, tip: str) -> None:
    st.button(label, help=tip, key=f"control:{request}", on_click=_ask, args=(run, request))


def _ask(run: Run, request: str) -> None:
    """Leave a request; a sentence where that cannot be, which stays until the next one."""
    st.session_state.pop("control_trouble", None)
    try:
        run.request(request)
    except StoreError as error:
        st.session_state["control_trouble"] = run.id, str(error)


def _resume(run: Run) -> None:
    try:
        launch(run)
    except (StoreError, ConfigError, OSError) as error:
        st.error(str(error))
    else:
        st.rerun()


def show_outcome(run: Run, status: Status, history: History) -> None:
    """How a run ended, in a sentence, and what to do next."""
    if status.state == "failed":
        st.error(plain(describe_failure(status)))
        show_log(run.log_tail(12))
    elif status.active and (run.best_checkpoint / "card.json").exists():
        show_link("try_network", "Try the best weights so far on pictures", run=run.id)
    elif history.best is not None and not status.active:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write(plain(describe_outcome(status, history)))
            show_link("try_network", "Try it on pictures", run=run.id)


def describe_outcome(status: Status, history: History) -> str:
    """The result in a sentence."""
    kept, done = history.kept, counted(len(history.epochs), "epoch")
    assert kept is not None  # the caller asks only then
    end = "Finished" if status.state == "finished" else "Stopped"
    return (
        f"{end} after {done}: {percent(kept.val_accuracy)} of the {history.monitored} pictures right at "
        f"epoch {kept.epoch}, and those weights are kept."
    )
