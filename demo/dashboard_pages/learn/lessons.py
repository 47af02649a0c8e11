"""The seven steps of the guided tour: what each says, which run it looks at, and what is seen there."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.recipes import DEFAULT_RECIPE, get_recipe
from cifar_core.runs.status import ACTIVE_STATES
from cifar_core.runs.summary import Summary
from demo.shared.format import percent


@dataclass(frozen=True)
class Lesson:
    """One idea, one thing to do (`button`), one thing to notice; `recipe` is the training to look at."""

    title: str
    idea: str
    button: str
    notice: str
    recipe: str = ""


LESSONS = (
    Lesson(
        "Ten kinds of small photos",
        "CIFAR-10 has 60,000 photos of 32 × 32 pixels: ten classes, 6,000 photos of each. A network learns "
        "from up to 50,000 of them. The other 10,000 are looked at once, at the very end.",
        "Show others",
        "Some are hard for you as well. A blind guess is right one time in ten: that is where every "
        "network starts.",
    ),
    Lesson(
        "A small network learns",
        "Two layers of filters look for small patterns, two more layers turn what was found into ten "
        "probabilities. It learns from 10,000 pictures; after each batch of 50 every weight moves a little, "
        "so that the loss falls.",
        "Train it",
        "The loss starts near 2.30, that of a blind guess, and the accuracy near 10 %, below the axis. "
        "Validation pictures are never trained on: they show whether it has understood.",
        "lesson_first",
    ),
    Lesson(
        "Learned by heart",
        "The same network gets only 2,000 pictures, and sees each of them thirty times. It has enough "
        "weights to remember them one by one, and nothing asks it for more.",
        "Train it",
        "Follow the thick line of the loss: it turns and rises while the thin one falls to nothing. From "
        "there on it grows ever more confident in wrong answers.",
        "lesson_overfit",
    ),
    Lesson(
        "Never the same picture twice",
        "The same 2,000 pictures again, but each time mirrored by chance and moved by a few pixels. It "
        "still shows the same thing, but the pixels are new: remembering them no longer helps.",
        "Train it",
        "The thin and the thick line now stay together longer. The network looks worse on what it trains on, "
        "and is better on what it has never seen.",
        "lesson_augment",
    ),
    Lesson(
        "Kernels that are mixed for each picture",
        "A mixing block has several kernels where others have one. It looks at the picture first, and then "
        "decides how much of each kernel to take: the mixing coefficients a₁ … aₖ.",
        "Other pictures",
        "Within a block the bars change with the picture. Early blocks mix by color and light, late ones by "
        "what is in it: vehicles and animals part ways.",
        DEFAULT_RECIPE,
    ),
    Lesson(
        "What was worth its time?",
        "To know what a change is worth, change nothing else. The runs of each chart have the same settings "
        "and the same seed, and differ in one thing only.",
        "",
        "Look at the slope as well as at the end: a long training that has gone flat is time that could have "
        "gone into more pictures, or into another network.",
    ),
    Lesson(
        "Your turn",
        "You have seen data, learning, learning by heart, augmentation and mixing. Now teach a trained "
        "network two things that lie on your desk, or change one setting; guess what happens before you "
        "press Train.",
        "Teach it two things on your desk",
        "One run is an anecdote: the same recipe with another seed ends a little higher or lower.",
    ),
)

COMPARED = {  # what differs -> recipe -> its line
    "augmentation": {"lesson_overfit": "without augmentation", "lesson_augment": "with augmentation"},
    "depth": {f"s5-cnn-{depth}": f"{depth} layers" for depth in (2, 3, 4)},
}


def lesson_number(text: str) -> int:
    """The step that a URL names, from 1; the first for anything else."""
    numbers = [str(number) for number in range(1, len(LESSONS) + 1)]
    return int(text) if text in numbers else 1


def run_of_recipe(recipe: str, summaries: Sequence[Summary]) -> Summary | None:
    """The newest own run of just this recipe, of any seed, with a completed epoch; else the shipped one."""
    found = [item for item in summaries if item.epochs and _is_of(recipe, item)]
    return max(found, key=lambda item: (not item.shipped, item.created), default=None)


def next_seed(recipe: str, summaries: Sequence[Summary]) -> int:
    """A seed that no run of just this recipe has had, the shipped one included: it ends elsewhere."""
    return 1 + max(
        [get_recipe(recipe).config.seed, *(_seed(item) for item in summaries if _is_of(recipe, item))]
    )


def comparable_runs(recipes: Sequence[str], summaries: Sequence[Summary]) -> dict[str, Summary]:
    """A run for each of the recipes that has one, all with the same seed.

    The seed for which most recipes have a run; among these the one with the newest run.
    """
    choices: list[dict[str, Summary]] = [{}]
    for seed in {_seed(item) for item in summaries if any(_is_of(recipe, item) for recipe in recipes)}:
        alike = [item for item in summaries if item.config and _seed(item) == seed]
        found = {recipe: run_of_recipe(recipe, alike) for recipe in recipes}
        choices.append({recipe: item for recipe, item in found.items() if item is not None})
    return max(
        choices, key=lambda found: (len(found), max((item.created for item in found.values()), default=0))
    )


def _seed(item: Summary) -> int:
    return item.config.seed if item.config else 0


def run_under_way(recipe: str, summaries: Sequence[Summary]) -> Summary | None:
    """The newest run of just this recipe, of any seed, that trains or waits for its turn."""
    newest = _newest(recipe, summaries)
    return newest if newest and newest.state in ACTIVE_STATES else None


def failed_at_once(recipe: str, summaries: Sequence[Summary]) -> Summary | None:
    """The newest run of just this recipe, of any seed, if it failed before the end of its first epoch."""
    newest = _newest(recipe, summaries)
    return newest if newest and newest.state == "failed" and not newest.epochs else None


def _newest(recipe: str, summaries: Sequence[Summary]) -> Summary | None:
    found = [item for item in summaries if not item.shipped and _is_of(recipe, item)]
    return max(found, key=lambda item: item.created, default=None)


def _is_of(recipe: str, item: Summary) -> bool:
    wanted = get_recipe(recipe).config
    return item.config is not None and item.config == wanted.replace(seed=item.config.seed)


def describe_end(recipe: str, train: float, val: float) -> str:
    """A sentence about the result; train and val are shares in 0..1 of the pictures."""
    trained_on = "the changed" if recipe == "lesson_augment" else "its training"
    return f"It ends with {percent(train)} of {trained_on} pictures right, and {percent(val)} of new ones."


def describe_gain(without: float | None, augmented: float | None) -> str:
    """The worth of augmentation in a sentence, from both runs' last accuracies; "" without them."""
    if without is None or augmented is None:
        return ""
    points = 100 * (augmented - without)
    more = "more" if points >= 0 else "fewer"
    return (
        f"With augmentation, {abs(points):.1f} {more} of every hundred new pictures are right than without."
    )
