"""Which runs the list shows and in which order: pure functions of what a reader asks for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cifar_core.runs.summary import Summary
from demo.shared.format import MULTIPLY_ADDS

Key = Callable[[Summary], float | str | None]

# What a list can be sorted by, as the page names it; None sorts last, whichever way round.
ORDERS: dict[str, Key] = {
    "started": lambda run: run.created or None,
    "name": lambda run: run.name.casefold(),
    "state": lambda run: run.state,
    "best accuracy": lambda run: run.best,
    "lowest loss": lambda run: run.loss,
    "epochs": lambda run: run.epochs or None,
    "time": lambda run: run.seconds or None,
    "time an epoch": lambda run: run.seconds / run.epochs if run.epochs else None,
    "parameters": lambda run: run.parameters or None,
    MULTIPLY_ADDS: lambda run: run.macs or None,
    "recipe": lambda run: run.config.recipe.casefold() if run.config else None,
}


@dataclass(frozen=True)
class RunsQuery:
    """What a reader asks for: all words of `text` are found, one of `states`, every one of `tags`."""

    text: str = ""
    states: Sequence[str] = ()
    tags: Sequence[str] = ()
    sort: str = "started"
    descending: bool = True
    _words: tuple[str, ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", tuple(self.text.casefold().split()))

    def wants(self, run: Summary) -> bool:
        """True when the list shows this run."""
        found = searched_text(run) if self._words else ""
        return (
            (not self.states or run.state in self.states)
            and all(tag in run.labels.tags for tag in self.tags)
            and all(word in found for word in self._words)
        )


def asked_for(runs: Iterable[Summary], query: RunsQuery) -> list[Summary]:
    """The runs that the query wants, in its order; equals stay as they were."""
    wanted = [run for run in runs if query.wants(run)]
    key = ORDERS[query.sort]
    known = [run for run in wanted if key(run) is not None]
    unknown = [run for run in wanted if key(run) is None]
    # a key gives one kind of value for all runs
    return sorted(known, key=key, reverse=query.descending) + unknown  # type: ignore[arg-type]


def searched_text(run: Summary) -> str:
    """All words by which a run is found, in small letters."""
    config = [run.config.recipe, run.config.model] if run.config else []
    labels = run.labels
    return "\n".join([run.name, run.id, *config, *labels.tags, labels.note]).casefold()


def all_tags(runs: Iterable[Summary]) -> list[str]:
    """Every tag of these runs, by the alphabet."""
    return sorted({tag for run in runs for tag in run.labels.tags})
