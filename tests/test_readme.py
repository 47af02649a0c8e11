"""The documents tell the truth: commands parse, what they name is there, every figure is a run's own."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from cifar_core.checkpoint import load_card, resolve_checkpoint
from cifar_core.cli.main import build_parser
from cifar_core.files import checkpoints_dir
from cifar_core.hub.overview import fill_in
from cifar_core.inference.ship import overview_parts
from cifar_core.recipes import FAST, list_works
from cifar_core.runs.results import FILE, read_results

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *("cifar_core/README.md", "demo/README.md", "checkpoints/README.md"),
)
DOCUMENTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
EVERYTHING = "\n".join(DOCUMENTS.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_file_it_names_is_there(name: str):
    folder, text = (ROOT / name).parent, DOCUMENTS[name]
    linked = [folder / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    installed = [ROOT / target for target in re.findall(r"-r ([\w./]+)", text)]
    started = [ROOT / target for target in re.findall(r"(?:run|python) (demo/\w+\.py)", text)]
    programs = [ROOT / one.replace(".", "/") for one in re.findall(r"-m (tests\.[\w.]+)", text)]
    modules = [one / "__main__.py" if one.is_dir() else one.with_suffix(".py") for one in programs]
    for file in (*linked, *installed, *started, *modules):
        assert file.is_file(), f"{name} names {file.relative_to(ROOT)}, which is not there"


def test_the_readme_leads_to_every_document_and_starts_both_pages():
    for target in (*NAMES[1:], "demo/dashboard.png"):
        assert f"]({target})" in DOCUMENTS["README.md"]
    for command in ("-r requirements.txt", "run demo/dashboard.py", "python demo/app.py", "-m pytest"):
        assert command in DOCUMENTS["README.md"]


def test_other_pythons_and_systems_run_the_readmes_test_command():
    readme = DOCUMENTS["README.md"]
    (posix,) = re.findall(r"<!-- test-command -->\n```bash\n(.*)\n```", readme)
    (windows,) = re.findall(r"```powershell\n.*\n(.*)\n```", readme)
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["tests"]
    run = {step["if"].split()[1]: step["run"] for step in job["steps"] if "if" in step}
    assert run == {"!=": posix, "==": windows}
    tried = {(one["os"].partition("-")[0], one["python"]) for one in job["strategy"]["matrix"]["include"]}
    assert {os for os, _ in tried} == {"ubuntu", "macos", "windows"}
    assert {python for os, python in tried if os == "ubuntu"} == {"3.12", "3.13", "3.14"}


def test_windows_has_the_same_commands_in_its_own_words():
    (words,) = re.findall(r"```powershell\n(.*?)\n```", DOCUMENTS["README.md"], re.S)
    posix = [line for line in DOCUMENTS["README.md"].splitlines() if line.startswith("python3 -m venv")]
    other = [
        line.replace(" && ", "; ").replace("python3", "py").replace(".venv/bin/", ".venv\\Scripts\\")
        for line in posix
    ]
    assert words.splitlines() == other and len(other) == 2


def commands() -> list[str]:
    """Return what follows `python -m cifar_core` in all documents, but for the help of any command."""
    found = re.findall(r"python -m cifar_core ([a-z][^#\n`]+)", EVERYTHING)
    assert len(found) >= 20
    return found


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_of_the_core_parses(command: str):
    build_parser().parse_args(shlex.split(command))


def test_every_command_of_the_core_is_documented():
    (subparsers,) = build_parser()._subparsers._group_actions
    documented = {command.split()[0] for command in commands()}
    assert set(subparsers.choices) <= documented


def test_the_tables_are_those_of_cards_and_results():
    text = DOCUMENTS["checkpoints/README.md"]
    assert fill_in(text, overview_parts(checkpoints_dir())) == text, (
        "run `python -m cifar_core report --shipped` and commit checkpoints/README.md"
    )


def test_every_stated_result_is_reached_as_the_page_says():
    best: dict[str, float] = {}
    for result in read_results(checkpoints_dir() / FILE):
        if result.difference is not None:
            work = result.recipe.removesuffix(FAST)
            best[work] = max(best.get(work, -1.0), result.difference)
    assert set(best) == set(list_works()) and min(best.values()) >= 0


def test_the_readme_states_the_default_networks_accuracy():
    accuracy = load_card(resolve_checkpoint()).metrics["test"]["accuracy"]
    assert f"{100 * accuracy:.1f} %" in DOCUMENTS["README.md"]
