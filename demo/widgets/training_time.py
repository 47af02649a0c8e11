"""The time that a training would take here: known from an earlier measurement, or measured by a process.

Nothing here can stop anybody from training: what is not known is said to be not known.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.estimate.speed import MeasuringError, Speed, about, estimate_seconds
from cifar_core.estimate.store import is_training, load_speed, speed_path, start_measuring
from cifar_core.recipes.sizes import size_of
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import Summary, same_network
from demo.shared.format import MULTIPLY_ADDS, amount
from demo.widgets.panels import show_facts

LOOK_SECONDS, BESIDE_SECONDS = 1.0, 5.0  # between two looks: while it is measured, while a training runs
PATIENCE_SECONDS = 1.0  # a form that is just being changed is not measured yet
MAX_STARTS = 3  # of a process that ends and leaves nothing

BEING_MEASURED = "being measured, a few seconds"
BESIDE = "not measured while a training runs"
UNKNOWN = "unknown; the measurement failed"


@dataclass(frozen=True)
class Answer:
    """All that is known about a training's time: words, the speed behind them, and when to look again."""

    words: str
    speed: Speed | None = None
    look_seconds: float | None = None


@dataclass
class Measuring:
    """The processes that were started for one kind of step, one after another."""

    process: "subprocess.Popen[bytes]"
    starts: int = 1


_measuring: dict[str, Measuring] = {}  # by speed file, for all tabs of this server


def show_time_here(config: TrainConfig, store: RunStore, summaries: Sequence[Summary]) -> None:
    """Parameters, multiply-adds and time as one line of facts; looks again until the time is known."""
    answer = answer_for(config, store)
    st.fragment(_panel, run_every=answer.look_seconds)(config, store, summaries, answer.words)


def _panel(config: TrainConfig, store: RunStore, summaries: Sequence[Summary], drawn: str) -> None:
    answer = answer_for(config, store)
    if answer.words != drawn:
        st.rerun()  # the whole page: the cards tell the time as well, and a known one is not looked for again
    show_facts(facts_of(config, answer, summaries))


def facts_of(config: TrainConfig, answer: Answer, summaries: Sequence[Summary]) -> list[tuple[str, str]]:
    """Facts to know before the start, as (label, value)."""
    known = answer.speed or size_of(config) or same_network(summaries, config)
    return [
        ("Parameters", amount(known.parameters) if known else "–"),
        (MULTIPLY_ADDS.capitalize(), amount(known.macs) if known else "–"),
        ("Time on this machine", answer.words),
    ]


def answer_for(config: TrainConfig, store: RunStore) -> Answer:
    """The answer now; starts to measure where there is none, and nothing else trains or measures."""
    try:
        speed = load_speed(config)
    except MeasuringError as error:
        return Answer(f"unknown. {error}")
    beside = is_training(store)
    if speed is not None:
        return Answer(describe_time(config, speed, beside), speed)
    if beside:
        return Answer(BESIDE, look_seconds=BESIDE_SECONDS)
    return _measure(config, store)


def describe_time(config: TrainConfig, speed: Speed, beside: bool) -> str:
    """ "about 14 minutes (measured)", and what stands against it."""
    how = "measured while the machine was busy" if speed.busy else "measured"
    words = f"about {about(estimate_seconds(config, speed))} ({how})"
    return f"{words}; longer while another training runs" if beside else words


def known_seconds(config: TrainConfig) -> float | None:
    """The estimate from the speed that was measured before; None without one."""
    try:
        speed = load_speed(config)
    except MeasuringError:
        return None
    return estimate_seconds(config, speed) if speed else None


def _measure(config: TrainConfig, store: RunStore) -> Answer:
    key = speed_path(config).name
    waiting = Answer(BEING_MEASURED, look_seconds=LOOK_SECONDS)
    if any(one.process.poll() is None for one in _measuring.values()) or _just_changed(key):
        return waiting
    before = _measuring.get(key)
    if before is not None and before.starts >= MAX_STARTS:
        return Answer(UNKNOWN)
    try:
        process = start_measuring(config, store)
    except OSError:
        return Answer(UNKNOWN)
    _measuring[key] = Measuring(process, before.starts + 1 if before else 1)
    return waiting


def _just_changed(key: str) -> bool:
    """True until the same step has been asked for over PATIENCE_SECONDS."""
    asked, since = st.session_state.get("time_here", ("", 0.0))
    if asked != key:
        st.session_state["time_here"] = (key, time.monotonic())
        return True
    return time.monotonic() - float(since) < PATIENCE_SECONDS
