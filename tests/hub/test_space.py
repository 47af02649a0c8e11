"""A Space holds this repository's files, front matter and requirements for its hardware, nothing private."""

import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from huggingface_hub import RepoCard

from cifar_core.cli import main
from cifar_core.files import PROJECT_ROOT
from cifar_core.hub.publish import HubError
from cifar_core.hub.space import (
    CPU_WHEELS,
    FIELDS,
    PINS,
    Space,
    build_space,
    chosen_checkpoints,
    files_of,
    space_requirements,
)
from tests.support.toy_checkpoints import save_toy
from tests.test_requirements import pins

# huggingface_hub 2.4 sends what goes by LFS in the old words of its HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return str(save_toy(tmp_path_factory.mktemp("toys") / "toy"))


@pytest.fixture
def built(toy, tmp_path):
    """Build a Space with the toy network; returns its folder."""

    def build(**options):
        build_space(tmp_path / "space", Space(checkpoints=[toy], **options))
        return tmp_path / "space"

    return build


def fields_of(folder):
    return RepoCard((folder / "README.md").read_text("utf-8")).data.to_dict()


def pinned_by(folder):
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    return dict(line.partition("#")[0].strip().split("==") for line in lines if line[:1].isalpha())


def test_a_plain_push_of_the_repository_is_the_space_on_cpu(built):
    folder = built()
    fields = fields_of(folder)
    assert (fields["sdk"], fields["sdk_version"]) == ("gradio", pins()["gradio"])
    assert isinstance(fields["python_version"], str) and (folder / fields["app_file"]).is_file()
    assert fields["suggested_hardware"] == "cpu-basic" and len(fields["short_description"]) <= 60
    assert (
        (folder / "README.md").read_text("utf-8").startswith((PROJECT_ROOT / "README.md").read_text("utf-8"))
    )


@pytest.mark.parametrize(
    ("source", "named"),
    [("own", None), ("cifar100", ["uoft-cs/cifar100"]), ("airplane_automobile", ["uoft-cs/cifar10"])],
)
def test_the_data_of_its_networks_is_named_where_it_is_published(source, named, tmp_path):
    folder = save_toy(tmp_path / "net", config={"data": source})
    build_space(tmp_path / "space", Space(checkpoints=[str(folder)]))
    assert fields_of(tmp_path / "space").get("datasets") == named


def test_its_files_are_those_it_returns(toy, tmp_path):
    files = build_space(tmp_path, Space(checkpoints=[toy]))
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    names = {file.as_posix() for file in files}
    networks = {name for name in names if name.startswith("checkpoints/smoke/")}
    assert networks == {f"checkpoints/smoke/{path.name}" for path in Path(toy).iterdir()}
    assert {"LICENSE", "cifar_core/py.typed", "demo/classify/page.css"} <= names
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_secrets_links_and_caches_stay_here(tmp_path):
    for name in ("page.py", ".streamlit/secrets.toml", ".env", "a/__pycache__/x.pyc", "a/b.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "linked.py").symlink_to(tmp_path / ".env")
    assert {path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)} == {"page.py", "a/b.css"}


def test_its_files_answer_without_the_repository(built):
    """The packages are this environment's, as in .ci/prove_space.py, which starts the whole page."""
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from PIL import Image; from cifar_core.checkpoint import list_checkpoints\n"
        "from cifar_core.inference.classifier import Classifier\n"
        "print(list_checkpoints(), Classifier.load('smoke').predict([Image.new('RGB', (9, 9))])[0].label)"
    )
    command = [sys.executable, "-I", "-c", script]
    ended = subprocess.run(command, cwd=built(), capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("['smoke'] ")


def test_every_shipped_network_goes_along_unless_some_are_named(toy):
    shipped = {path.parent.name for path in (PROJECT_ROOT / "checkpoints").glob("*/card.json")}
    assert chosen_checkpoints().keys() == shipped
    assert chosen_checkpoints(["speed94.v2", toy]).keys() == {"speed94.v2", "smoke"}


def test_a_cpu_gets_cpu_wheels_and_no_torchvision(built):
    folder = built()
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    assert lines[0] == f"--extra-index-url {CPU_WHEELS}" and urlsplit(CPU_WHEELS).scheme == "https"
    without = {name: version for name, version in pins().items() if name != "torchvision"}
    assert pinned_by(folder) == without


def test_another_index_of_cpu_wheels_or_none_can_be_given(toy):
    requirements = (PROJECT_ROOT / "requirements.txt").read_text("utf-8")
    other = space_requirements(requirements, Space(wheels="https://wheels.example/cpu"))
    assert other.startswith("--extra-index-url https://wheels.example/cpu\n")
    for space in (Space(wheels=""), Space(hardware="zerogpu")):
        assert "index-url" not in space_requirements(requirements, space)


def test_pip_takes_the_cpu_wheel_of_the_version_that_is_pinned(tmp_path):
    """From two indexes in folders: one with torch as everybody gets it, one with CPU wheels beside others."""
    version = pins()["torch"]
    usual = index_of(tmp_path / "usual", [version])
    wheels = index_of(tmp_path / "wheels", [f"{version}+cpu", "99.0+cpu"])
    text = space_requirements((PROJECT_ROOT / "requirements.txt").read_text("utf-8"), Space(wheels=wheels))
    lines = [line for line in text.splitlines() if line.startswith(("--", "torch="))]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    command = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "--disable-pip-version-check",
        "download",
        "--no-deps",
    ]
    command += ["--index-url", usual, "-r", "requirements.txt", "-d", "got"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert [path.name for path in (tmp_path / "got").iterdir()] == [f"torch-{version}+cpu-py3-none-any.whl"]


def index_of(folder, versions):
    """The address of an index that has empty wheels of torch in these versions."""
    place = folder / "torch"
    place.mkdir(parents=True)
    for version in versions:
        with zipfile.ZipFile(place / f"torch-{version}-py3-none-any.whl", "w") as wheel:
            about = f"torch-{version}.dist-info"
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
    links = "".join(f'<a href="{quote(path.name)}">{path.name}</a>' for path in place.iterdir())
    (place / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    return folder.as_uri()


@pytest.mark.parametrize("kind", FIELDS)
def test_what_it_takes_is_said_in_the_readme_and_by_the_command(kind, toy, tmp_path, capsys):
    space = Space(*kind)
    options = ["--sdk", space.sdk, "--hardware", space.hardware, "--checkpoint", toy]
    assert main(["space", "build", str(tmp_path / "space"), *options]) == 0
    shown = capsys.readouterr().out
    readme = (tmp_path / "space" / "README.md").read_text("utf-8")
    for text in (shown, readme):
        assert " GB of memory" in text and ("CPU wheel" in text) == (space.hardware == "cpu")
        assert (" s after" in text) == (space.sdk == "gradio")


def test_a_space_on_zerogpu_gets_the_torch_that_is_supported_there(built):
    folder = built(hardware="zerogpu", models=["someone/net"])
    assert pinned_by(folder) == pins() | PINS["zerogpu"]
    major, minor, _ = pinned_by(folder)["torch"].split(".")
    assert (2, 8) <= (int(major), int(minor)) <= (2, 11)
    fields = fields_of(folder)
    assert (fields["python_version"], fields["suggested_hardware"]) == ("3.12.12", "zero-a10g")
    assert fields["models"] == ["someone/net"] and (folder / fields["app_file"]).name == "zero_gpu.py"
    assert (folder / fields["app_file"]).is_file()


def test_the_pin_of_spaces_is_the_one_that_is_tested():
    assert pins("tests/requirements.txt")["spaces"] == PINS["zerogpu"]["spaces"]


def test_a_docker_space_holds_the_dashboard(built):
    folder = built(sdk="docker")
    fields = fields_of(folder)
    assert (fields["sdk"], fields["app_port"]) == ("docker", 7860)
    assert not fields.keys() & {"app_file", "sdk_version", "python_version"}
    for name in (
        "Dockerfile",
        "demo/dashboard.py",
        "demo/.streamlit/config.toml",
        "checkpoints/results.json",
    ):
        assert (folder / name).is_file(), name
    assert "streamlit" in pinned_by(folder) and "torchvision" not in pinned_by(folder)


def test_zerogpu_serves_no_docker_space():
    with pytest.raises(HubError, match=r"docker Space on zerogpu.*gradio on zerogpu"):
        Space("docker", "zerogpu")


def test_a_folder_with_anything_in_it_is_left_alone(built, tmp_path):
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "thesis.txt").write_text("precious")
    with pytest.raises(HubError, match="not empty"):
        built()
    assert [path.name for path in (tmp_path / "space").iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_the_folder_is_said(built, tmp_path):
    (tmp_path / "space").write_text("precious")
    with pytest.raises(HubError, match=r"Cannot write the Space: .*space"):
        built()
    assert (tmp_path / "space").read_text() == "precious"


def test_a_damaged_checkpoint_stops_the_build(tmp_path, capsys):
    toy = save_toy(tmp_path / "toy")
    (toy / "weights.safetensors").write_bytes(b"nothing")
    assert main(["space", "build", str(tmp_path / "space"), "--checkpoint", str(toy)]) == 1
    assert "not a whole safetensors file" in capsys.readouterr().err and not (tmp_path / "space").exists()


def test_two_checkpoints_of_one_name_are_refused(toy):
    with pytest.raises(HubError, match="'smoke'"):
        chosen_checkpoints([toy, toy])


def test_push_says_what_it_would_send_and_asks_nobody(hub, toy, capsys):
    assert main(["space", "push", "someone/page", "--checkpoint", toy]) == 0
    shown = capsys.readouterr().out
    assert "demo/app.py" in shown and "checkpoints/smoke/card.json" in shown and "Nothing was sent" in shown
    assert hub.log == []


def test_yes_sends_what_build_writes(hub, legacy_lfs, toy, tmp_path, capsys):
    kind = ["--checkpoint", toy, "--hardware", "zerogpu"]
    assert main(["space", "push", "someone/page", *kind, "--yes"]) == 0
    assert f"{hub.url}/spaces/someone/page" in capsys.readouterr().out
    assert (hub.created[0]["sdk"], hub.created[0]["hardware"]) == ("gradio", "zero-a10g")
    assert main(["space", "build", str(tmp_path / "space"), *kind]) == 0
    sent = hub.repositories["spaces", "someone/page"]
    del sent[".gitattributes"]  # the Hub's own
    assert sent == {
        path.relative_to(tmp_path / "space").as_posix(): path.read_bytes()
        for path in (tmp_path / "space").rglob("*")
        if path.is_file()
    }
