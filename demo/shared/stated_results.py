"""Stated against own, row by row: what earlier works state, and what runs of their recipes gave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_core.files import checkpoints_dir
from cifar_core.metrics.uncertainty import CLEAR
from cifar_core.recipes import FAST, Recipe, get_recipe, list_works
from cifar_core.runs.results import FILE, Result, read_results
from cifar_core.runs.store import RunStore, StoreError
from demo.shared.format import duration


@dataclass(frozen=True)
class Row:
    """A stated result with the best own one of the recipe as stated, and of our fast one; None if not run."""

    recipe: Recipe
    own: Result | None
    fast: Result | None


def shipped_results() -> tuple[list[Result], str]:
    """The project's own results, and what is wrong where their file cannot be read, "" otherwise."""
    return _read(checkpoints_dir() / FILE)


def all_results(store: RunStore) -> tuple[list[Result], str]:
    """The shipped results, then the user's; and what is wrong with files that cannot be read, "" if none."""
    (shipped, trouble), (own, more) = shipped_results(), _read(store.root / FILE)
    return shipped + own, " ".join(filter(None, (trouble, more)))


def _read(path: Path) -> tuple[list[Result], str]:
    try:
        return read_results(path), ""
    except StoreError as error:
        return [], str(error)


def rows_of(results: Iterable[Result]) -> list[Row]:
    """One row for each stated result, in the order of the recipes."""
    results = list(results)
    return [Row(get_recipe(name), _best(results, name), _best(results, name + FAST)) for name in list_works()]


def _best(results: Sequence[Result], recipe: str) -> Result | None:
    own = [result for result in results if result.recipe == recipe]
    return max(own, key=lambda result: result.accuracy, default=None)


def table_rows(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The rows in words; the figures come first, since a phone shows no more than three columns."""
    table = []
    for row in rows:
        stated = row.recipe.stated
        assert stated is not None  # rows_of takes no others
        table.append(
            {
                "recipe": row.recipe.name,
                "stated": f"{100 * stated.accuracy:.2f} % after {stated.epochs} epochs",
                "own, fast": describe_result(row.fast),
                "own, as stated": describe_result(row.own),
                "what it is": title_of(row.recipe),
            }
        )
    return table


def title_of(recipe: Recipe) -> str:
    """A recipe's sentence up to the colon."""
    return recipe.summary.partition(":")[0].rstrip(".")


def describe_result(result: Result | None) -> str:
    """ "91.23 % (+1.07 points) after 20 epochs, 12 min 10 s", or that there is none."""
    if result is None:
        return "not run yet"
    difference = "" if result.difference is None else f" ({100 * result.difference:+.2f} points)"
    took = f"{result.epochs} epoch{'s' if result.epochs != 1 else ''}, {duration(result.seconds)}"
    return f"{100 * result.accuracy:.2f} %{difference} after {took}"


def verdict(rows: Sequence[Row]) -> str:
    """A sentence about how many stated results are reached."""
    run = [row for row in rows if row.own or row.fast]
    if not run:
        return "None of the stated results has been run here yet"
    gaps = [max(_gap(one) for one in (row.own, row.fast) if one) for row in run]
    reached, close = sum(gap >= 0 for gap in gaps), sum(0 <= gap <= CLEAR for gap in gaps)
    missing = len(rows) - len(run)
    rest = f", {close} of them too close to tell" if close else ""
    rest += f"; {missing} {'is' if missing == 1 else 'are'} not run yet" if missing else ""
    if reached == len(rows):
        return f"All {len(rows)} stated results are reached{rest}"
    return f"{reached} of {len(rows)} stated results are reached{rest}"


def _gap(one: Result) -> float:
    """Own accuracy minus the stated one, in standard errors."""
    return (one.difference or 0.0) / one.error
