"""The head of a run's page: how far it is, what can be done with it, what to hear of it, and how it ended."""

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.errors import sentence_of
from cifar_core.format import describe_schedule
from cifar_core.runs.history import History
from cifar_core.runs.launch import launch
from cifar_core.runs.requests import FACTORS
from cifar_core.runs.run import Run
from cifar_core.runs.status import QUEUED, Resources
from cifar_core.runs.store import Status, StoreError
from cifar_core.runs.summary import name_of
from demo.dashboard_pages import NAME
from demo.dashboard_pages.live.details import show_log
from demo.shared.format import (
    RESUMABLE,
    STATE_TEXT,
    TRAINS,
    begun,
    counted,
    describe_failure,
    duration,
    megabytes,
    percent,
    progress_of,
    whole_percent,
)
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_facts, show_link

ASKED = "Requested; the run responds at its next step."
STAGES = ("Starting Python and PyTorch", "Loading the pictures", "First steps")
STAGE_ROW = "display:flex;flex-wrap:wrap;gap:.2rem 2.4rem;margin:0;padding:0 0 0 1.2rem"
PLATEAU_EPOCHS = 3  # at least; in a long run a tenth of it
LR_HELP = (
    "From the next step on, the schedule is multiplied by this number: 0.5 halves it, 1 is the schedule "
    f"itself. Allowed: {FACTORS[0]:g} to {FACTORS[1]:,.0f}. The run records the change and keeps it."
)


def tab_title(run: Run, status: Status) -> str:
    """The tab's title; how the run stands comes first, so that it is seen from another tab."""
    trains = status.state == "running" and status.stage in TRAINS
    now = whole_percent(progress_of(status)[0]) if trains else STATE_TEXT[status.state]
    return f"{now} · {name_of(run)} · {NAME}"


def show_progress(run: Run, status: Status, history: History) -> None:
    """The bar, the stages until there is a first point, and one line of figures."""
    fraction, words = progress_of(status)
    if status.active:
        st.progress(fraction, text=plain(words))
    if is_starting(status, history):
        st.html(stages_html(stage_of(status, history)))
    show_facts(facts_of(run, status, history))


def is_starting(status: Status, history: History) -> bool:
    """Whether a run under way has nothing to draw yet."""
    return status.active and not history.steps


def stage_of(status: Status, history: History) -> int:
    """The place in STAGES of what the run does before its first point; -1 while it waits for its turn."""
    if status.state == "waiting":
        return -1 if status.stage == QUEUED else 0
    return 1 if history.start is None else 2


def stages_html(now: int) -> str:
    """The stages side by side: those behind it pale and ticked off, the present one bold."""
    items = "".join(
        f'<li style="font-weight:{600 if place == now else 400};opacity:{1 if place == now else 0.7}"'
        f"{' aria-current=step' if place == now else ''}>{stage}{' (done)' if place < now else ''}</li>"
        for place, stage in enumerate(STAGES)
    )
    return f'<ol style="{STAGE_ROW}">{items}</ol>'


def facts_of(run: Run, status: Status, history: History) -> list[tuple[str, str]]:
    """Facts to know at a glance, as (label, value)."""
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
    """The training's share of the machine, as (label, value)."""
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
    """The buttons that make sense in this state, and what became of them."""
    if run.shipped or is_public():
        return
    with st.container(horizontal=True):
        if status.state == "waiting":
            _button("Withdraw", run, "stop", "Leave the queue; the run is kept and can be started later.")
        elif status.state == "paused":
            _button("Continue", run, "continue", "Go on from where it paused.")
        elif status.active:
            _button("Pause", run, "pause", "Keep everything in memory and free the processor.")
        if status.state in ("running", "paused"):
            tip = "End at the next step. The best and the latest weights are kept, so the run can be resumed."
            _button("Stop", run, "stop", tip)
            show_lr_control(run, history)
        elif (
            status.state in RESUMABLE
            and not run.freed
            and st.button("Resume", type="primary", help=run.resuming)
        ):
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


def _ask(run: Run, request: str | None = None, factor: float | None = None) -> None:
    """Leave a request; a sentence where that cannot be, which stays until the next one."""
    st.session_state.pop("control_trouble", None)
    try:
        run.request(request, factor=factor)
    except StoreError as error:
        st.session_state["control_trouble"] = run.id, str(error)


def _resume(run: Run) -> None:
    try:
        launch(run)
    except (StoreError, ConfigError, OSError) as error:
        st.error(plain(sentence_of(error)))
    else:
        st.rerun()


def show_lr_control(run: Run, history: History) -> None:
    """The rate now, and four ways to change it."""
    now = history.lr_factor
    factors = {"Halve": now / 2, "Double": now * 2} | ({"Back to the schedule": 1.0} if now != 1 else {})
    with st.popover("Learning rate"):
        st.write(plain(format_rate(history)))
        with st.container(horizontal=True):
            for label, factor in factors.items():
                st.button(label, key=f"lr:{label}", on_click=_ask, args=(run, None, factor))
        with st.form("lr", border=False):
            typed = st.number_input(
                "Times the schedule",
                value=now,
                step=0.1,
                format="%g",
                help=LR_HELP,
                key=f"lr:factor:{now:g}",  # a field of its own for each, so that it follows
            )
            if st.form_submit_button("Change"):
                if typed is None:
                    trouble = "The factor is empty; give a number, such as 0.5."
                    st.session_state["control_trouble"] = run.id, trouble
                else:
                    _ask(run, factor=typed)


def format_rate(history: History) -> str:
    """The rate now, and what part of the schedule that is."""
    part = describe_schedule(history.lr_factor)
    now = f"Now {history.steps[-1].lr:.3g}: " if history.steps else ""
    return f"{now}{part}." if now else f"{begun(part)}."


def describe_plateau(history: History) -> str:
    """A sentence when the monitored loss has not fallen for a while; "" otherwise."""
    if not history.epochs or history.end is not None:
        return ""
    best = min(history.epochs, key=lambda epoch: epoch.val_loss)
    since = history.epochs[-1].epoch - best.epoch
    planned = history.start.total_steps // history.steps_per_epoch if history.start else 0
    if since < max(PLATEAU_EPOCHS, planned // 10):
        return ""
    what = f"The {history.monitored} loss has not fallen for {counted(since, 'epoch')}"
    advice = "a smaller learning rate may help; if you stop the run, its best weights are kept"
    return f"{what} ({best.val_loss:.2f} at epoch {best.epoch}): {advice}."


def tell_the_end(run: Run, status: Status) -> None:
    """A toggle while the run goes on; when it ends, a short note, if that was asked for."""
    watched = st.session_state.setdefault("told_of", {})
    if status.active:
        watched[run.id] = st.toggle("Notify me when it ends", key="tell", persist_state="session")
    elif watched.pop(run.id, False):
        st.toast(plain(describe_end(run, status)), duration="infinite")


def describe_end(run: Run, status: Status) -> str:
    """A sentence about how it ended."""
    said = f" {status.message}" if status.message else ""
    return f"{name_of(run)}: {STATE_TEXT[status.state].lower()}.{said}"


def show_outcome(run: Run, status: Status, history: History) -> None:
    """A sentence about how the run ended, and what to do next."""
    if status.state == "failed":
        st.error(plain(describe_failure(status)))
        show_log(run.log_tail(12))
    elif status.active and (run.best_checkpoint / "card.json").exists():
        show_link("try_network", "Try the best weights so far on pictures", run=run.id)
    elif history.best is not None and not status.active:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write(plain(describe_outcome(status, history)))
            show_link("try_network", "Try it on pictures", run=run.id)
    elif status.state == "stopped":
        words = "" if run.freed else f" {run.resuming}"
        st.write(plain(f"Stopped before the first epoch was complete.{words}"))
    if run.freed and status.state in RESUMABLE and run.resuming not in status.message:
        st.caption(run.resuming)


def describe_outcome(status: Status, history: History) -> str:
    """The result in a sentence."""
    kept, done = history.kept, counted(len(history.epochs), "epoch")
    assert kept is not None  # the caller asks only then
    return (
        f"{STATE_TEXT[status.state]} after {done}: {percent(kept.val_accuracy)} of the {history.monitored} "
        f"pictures right at epoch {kept.epoch}, and those weights are kept."
    )
