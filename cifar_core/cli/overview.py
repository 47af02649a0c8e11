"""`report --shipped`, and the last step of `ship`: write the tables of checkpoints/README.md anew."""

from pathlib import Path

from cifar_core.files import read_text, write_bytes
from cifar_core.recipes import list_recipes
from cifar_core.runs.events import RunStart
from cifar_core.runs.results import FILE, in_order, read_results, repeats_table, results_table
from cifar_core.runs.store import Run


def write_overview(folder: Path) -> None:
    """Write the tables and notes of the folder's README.md anew, where there is such a page."""
    from cifar_core.hub.overview import fill_in  # torch: not for the other forms of `report`

    path = folder / "README.md"
    if path.exists():
        write_bytes(path, fill_in(read_text(path), overview_parts(folder)).encode())


def overview_parts(folder: Path) -> dict[str, str]:
    """Return the generated parts of a checkpoints folder's README.md by their names."""
    from cifar_core.hub.overview import load_cards, networks_table, notes_list

    cards = load_cards(folder)
    train_images = {
        name: event.train_images
        for name in cards
        for event in Run(folder / name).events()
        if isinstance(event, RunStart)
    }
    results = in_order(read_results(folder / FILE), list_recipes())
    return {
        "networks": networks_table(cards, train_images),
        "notes": notes_list(cards),
        "stated": results_table([result for result in results if result.stated is not None]),
        "own": repeats_table([result for result in results if result.stated is None]),
    }
