"""The README tells the truth: its commands, its pictures, and every figure of its table."""

import re
from pathlib import Path

from cifar_core.checkpoint import list_checkpoints, load_card, resolve_checkpoint
from cifar_core.cli.main import build_parser
from cifar_core.files import checkpoints_dir
from cifar_core.format import duration
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.results import FILE, in_order, read_results, results_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_it_names_is_there():
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    installed = re.findall(r"-r (\S+)", README)
    started = re.findall(r"(?:run|python) (demo/\w+\.py)", README)
    assert linked and installed and started
    for name in (*linked, *installed, *started):
        assert (ROOT / name).is_file(), f"README.md names {name}, which is not there"


def test_every_command_of_the_core_parses():
    commands = re.findall(r"python -m cifar_core ([^#\n`]+)", README)
    assert len(commands) >= 8
    for command in commands:
        build_parser().parse_args(command.split())


def test_results_are_those_of_the_cards():
    for name in list_checkpoints():
        assert result_row(name) in README, f"README.md should hold this row:\n{result_row(name)}"


def test_stated_and_own_results_are_those_that_are_kept():
    kept = in_order(read_results(checkpoints_dir() / FILE), list_recipes())
    rows = [result for result in kept if get_recipe(result.recipe).stated]
    assert results_table(rows) in README, f"README.md should hold this table:\n{results_table(rows)}"


def result_row(name: str) -> str:
    """The row of the README's table for a shipped checkpoint, from its card."""
    card = load_card(resolve_checkpoint(name))
    cells = (
        f"`{name}`",
        f"{card.parameters / 1e6:.2f} M",
        f"{card.macs / 1e6:.1f} M",
        str(card.config["epochs"]),
        f"{card.metrics['test']['accuracy']:.2%}".replace("%", " %"),
        card.device,
        duration(card.wall_time_seconds),
    )
    return f"| {' | '.join(cells)} |"
