"""A built Space is complete and its own; nothing that is not ours is ever written over."""

import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core.cli import main
from cifar_core.files import PROJECT_ROOT
from cifar_core.hub import space as subject
from cifar_core.hub.space import (
    SPACE_FILES,
    SPACES,
    ZEROGPU_TORCH,
    Plan,
    SpaceError,
    build_space,
    built_files,
    front_matter,
    pins,
    read_front_matter,
    space_requirements,
)
from tests.support.toy_checkpoints import save_toy
from tests.test_requirements import pins as pins_of


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toys") / "toy")


@pytest.fixture(scope="module")
def space(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spaces") / "space"
    build_space(folder, Plan(checkpoints=(str(toy),), models=("someone/net",)))
    return folder


def fields_of(folder):
    return read_front_matter((folder / "README.md").read_text("utf-8"))


def test_its_front_matter_tells_the_hub_what_to_start(space):
    fields = fields_of(space)
    assert (fields["sdk"], fields["sdk_version"]) == ("gradio", pins()["gradio"])
    assert fields["python_version"] == "3.11" and isinstance(fields["python_version"], str)
    assert (space / fields["app_file"]).is_file()
    assert fields["license"] == "apache-2.0" and fields["models"] == ["someone/net"]
    assert fields["suggested_hardware"] == "cpu-basic" and len(fields["short_description"]) <= 60
    assert set(fields["title"]) and len(fields["emoji"]) == 1


def test_its_files_are_those_it_lists(space):
    on_disk = {path.relative_to(space) for path in space.rglob("*") if path.is_file()}
    assert on_disk == {*built_files(space), Path(SPACE_FILES)}
    names = {path.as_posix() for path in on_disk}
    assert {"checkpoints/smoke/card.json", "checkpoints/smoke/weights.safetensors", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests", "demo/dashboard"))]


def test_its_page_answers_from_its_own_files(space):
    """The packages are this environment's; prove.py does the same with the Space's own."""
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from PIL import Image; from cifar_core.checkpoint import list_checkpoints\n"
        "from cifar_core.inference.classifier import Classifier\n"
        "print(list_checkpoints(), Classifier.load('smoke').predict([Image.new('RGB', (9, 9))])[0].label)"
    )
    command = [sys.executable, "-I", "-c", script]
    ended = subprocess.run(command, cwd=space, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("['smoke'] ")


def test_its_requirements_are_ours_and_no_more():
    text = space_requirements({"torch", "gradio", "PIL", "os"}, "cpu")
    own = dict(line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    assert {"torch", "gradio", "pillow"} <= own.keys() and "streamlit" not in own and "torchvision" not in own
    assert own.items() <= pins().items() and "--extra-index-url" not in text


def test_an_index_of_cpu_wheels_is_named_where_it_is_given(toy, tmp_path):
    build_space(tmp_path, Plan(checkpoints=(str(toy),), wheels="https://wheels.example/cpu"))
    lines = (tmp_path / "requirements.txt").read_text("utf-8").splitlines()
    assert "--extra-index-url https://wheels.example/cpu" in lines


def test_a_space_on_zerogpu_gets_the_torch_that_is_supported_there(toy, tmp_path):
    build_space(tmp_path, Plan(hardware="zerogpu", checkpoints=(str(toy),)))
    fields = fields_of(tmp_path)
    lines = (tmp_path / "requirements.txt").read_text("utf-8").splitlines()
    assert {f"torch=={ZEROGPU_TORCH}", f"spaces=={SPACES}"} <= set(lines)
    assert not [line for line in lines if line.startswith("--")]
    assert (fields["python_version"], fields["suggested_hardware"]) == ("3.12.12", "zero-a10g")
    assert fields["app_file"] == "demo/zero_gpu.py" and (tmp_path / "demo" / "app.py").is_file()


def test_the_pin_of_spaces_is_the_one_that_is_tested():
    assert pins_of("tests/requirements.txt")["spaces"] == SPACES


def test_a_docker_space_holds_the_dashboard(toy, tmp_path):
    build_space(tmp_path, Plan(sdk="docker", checkpoints=(str(toy),)))
    fields = fields_of(tmp_path)
    assert (fields["sdk"], fields["app_port"]) == ("docker", 7860) and "app_file" not in fields
    names = {path.as_posix() for path in built_files(tmp_path)}
    assert {"Dockerfile", "demo/dashboard.py", "demo/.streamlit/config.toml"} <= names
    assert "streamlit==" in (tmp_path / "requirements.txt").read_text("utf-8")


def test_zerogpu_serves_no_docker_space(tmp_path):
    with pytest.raises(SpaceError, match="ZeroGPU serves the Gradio SDK alone"):
        build_space(tmp_path, Plan(sdk="docker", hardware="zerogpu"))


def test_a_second_build_takes_the_first_away(toy, tmp_path):
    folder = tmp_path / "space"
    build_space(folder, Plan(sdk="docker", checkpoints=(str(toy),)))
    build_space(folder, Plan(checkpoints=(str(toy),)))
    on_disk = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert on_disk == {*built_files(folder), Path(SPACE_FILES)}
    assert not (folder / "demo" / "dashboard_pages").exists()


@pytest.mark.parametrize(
    "marker", [None, "{}", "[]", '{"maker": "cifar10-lab space build", "files": ["../x"]}']
)
def test_a_folder_with_anything_else_in_it_is_left_alone(toy, tmp_path, marker):
    folder = tmp_path / "mine"
    folder.mkdir()
    (tmp_path / "x").write_text("precious")
    (folder / "thesis.txt").write_text("precious")
    if marker is not None:
        (folder / SPACE_FILES).write_text(marker)
    with pytest.raises(SpaceError, match="holds files that are no Space of ours"):
        build_space(folder, Plan(checkpoints=(str(toy),)))
    assert (folder / "thesis.txt").read_text() == (tmp_path / "x").read_text() == "precious"
    assert not (folder / "README.md").exists()


def test_a_file_in_the_place_of_the_folder_is_said(toy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpaceError, match="is a file"):
        build_space(tmp_path / "file", Plan(checkpoints=(str(toy),)))


def test_a_damaged_checkpoint_stops_the_build(tmp_path, capsys):
    toy = save_toy(tmp_path / "toy")
    (toy / "weights.safetensors").write_bytes(b"nothing")
    assert main(["space", "build", str(tmp_path / "space"), "--checkpoint", str(toy)]) == 1
    assert "not a whole safetensors file" in capsys.readouterr().err and not (tmp_path / "space").exists()


def test_two_checkpoints_of_one_name_are_refused(toy):
    with pytest.raises(SpaceError, match="Two checkpoints would be called 'smoke'"):
        subject.chosen_checkpoints(Plan(checkpoints=(str(toy), str(toy))))


def test_the_command_says_what_it_wrote_and_push_shows_it(toy, tmp_path, capsys):
    folder = tmp_path / "space"
    assert main(["space", "build", str(folder), "--checkpoint", str(toy)]) == 0
    assert f"{folder}: {len(built_files(folder))} files" in capsys.readouterr().out
    assert main(["space", "push", "someone/page", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "demo/app.py" in shown and "Nothing was sent." in shown
    (folder / "demo" / "app.py").unlink()
    assert main(["space", "push", "someone/page", "--folder", str(folder)]) == 1
    assert "app.py is gone" in capsys.readouterr().err
    assert main(["space", "push", "someone/page", "--folder", str(tmp_path)]) == 1
    assert "is no Space of ours" in capsys.readouterr().err


def test_the_repository_itself_is_a_space():
    """A plain push of the repository works too: its README begins with the block of the CPU Space."""
    assert (PROJECT_ROOT / "README.md").read_text("utf-8").startswith(front_matter())
