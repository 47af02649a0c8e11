"""The part of a training that every rank but the leader has: the same steps, and what the leader decides."""

from pathlib import Path

from cifar_core.runs.events import Resume, RunEnd
from cifar_core.runs.requests import on_signals
from cifar_core.training.loop import fit
from cifar_core.training.ranks import Ranks, Word
from cifar_core.training.setup import prepare
from cifar_core.training.state import Task


def follow(ranks: Ranks, data_dir: Path | None) -> None:
    """Take part in the leader's run until it ends; data_dir: where the data lie here, if elsewhere.

    Raises:
        Dismissed: when the leader ends before the first step.
        LabError: when this rank cannot take part, or another one is gone.
    """
    ranks.join()
    signals: list[bool] = []
    with ranks.guarded(), on_signals(lambda: signals.append(True)):
        _take_part(ranks, data_dir, signals)
    ranks.leave()


def _take_part(ranks: Ranks, data_dir: Path | None, signals: list[bool]) -> None:
    task: Task = ranks.tell()
    place = task.saved.workplace if task.saved else None
    ready = prepare(task.config, data_dir or task.data_dir, lambda *progress: None, place, ranks)
    trainer = ready.trainer
    if task.saved:
        trainer.load_state_dict(task.saved.trainer)
        if trainer.epochs_done == task.config.epochs:
            return
    for event in fit(trainer, ready.train, ready.val, Resume(trainer.step, 0.0)):
        if isinstance(event, RunEnd):
            return
        word = ranks.meet(Word(signaled=bool(signals)))
        if word.stop:
            return
        if word.lr_factor != trainer.lr_factor:
            trainer.scale_lr(word.lr_factor)
