"""Recipes of earlier works, spread over machines: each is trained and measured once, all see the results."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

import optuna
from optuna.trial import TrialState

from cifar_core.files import build
from cifar_core.runs.results import Result
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.sweep.slots import SLOT, Slots, TakenOver, tell
from cifar_core.sweep.storage import opened

RESULT = "result"  # a trial's attribute
Tell = Callable[[Result], None]
Hold = Callable[
    [Run], AbstractContextManager[Tell]
]  # keeps others from the recipe while this run is worked on


@dataclasses.dataclass(frozen=True)
class SharedRecipes:
    """The recipes that a study spreads; nothing is chosen by their results."""

    study: optuna.Study
    slots: Slots

    def each(self, told: Callable[[str], None]) -> Iterator[tuple[str, Hold]]:
        """The recipes that are this process's to do, with how to hold them, until all are done by somebody.

        One that fails here is left to other processes.
        """
        for trial in self.slots.each(told):
            recipe = trial.user_attrs[SLOT]
            yield recipe, partial(self._holding, trial)
            with suppress(TakenOver):  # a trial that has ended; this is for one that never came to a run
                tell(trial, TrialState.FAIL)
            self.slots.give_up(recipe)

    @contextmanager
    def _holding(self, trial: optuna.Trial, run: Run) -> Iterator[Tell]:
        def tell_result(result: Result) -> None:
            tell(trial, TrialState.COMPLETE, result.accuracy, {RESULT: dataclasses.asdict(result)})

        with self.slots.holding(trial, run):
            yield tell_result

    def results(self) -> list[Result]:
        """All that the machines have found so far."""
        told = (trial.user_attrs for trial in self.study.trials if trial.state == TrialState.COMPLETE)
        return [build(Result, attributes[RESULT]) for attributes in told]


@contextmanager
def share_recipes(
    storage: str, store: RunStore, recipes: Sequence[str], seed: int
) -> Iterator[SharedRecipes]:
    """Yield the study of all who reproduce with this seed; raises as `opened`."""
    with opened(storage) as kept:
        study = optuna.create_study(
            storage=kept, study_name=f"reproduce, seed {seed}", direction="maximize", load_if_exists=True
        )
        yield SharedRecipes(study, Slots(study, kept, store, recipes))
