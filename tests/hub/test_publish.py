"""What is sent to the Hub and how each refusal reads, against a server that stands in for it."""

import pytest

from cifar_core.cli import main
from cifar_core.hub.publish import HubError, Parcel, check_name, publish
from tests.support.toy_checkpoints import save_toy

# huggingface_hub 2.4 sends what goes by LFS in the old words of its HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


@pytest.fixture
def parcel(tmp_path):
    folder = tmp_path / "space"
    (folder / "demo").mkdir(parents=True)
    (folder / "README.md").write_text("---\nsdk: gradio\n---\n")
    (folder / "demo" / "app.py").write_text("print('page')\n")
    (folder / "weights.safetensors").write_bytes(b"w" * 5000)
    (folder / "private.txt").write_text("not listed, not sent")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    listed = [file for file in files if file.name != "private.txt"]
    return Parcel("someone/page", "space", folder, listed, "gradio", "zero-a10g")


def sent(hub, parcel):
    return {name for name in hub.repositories["spaces", parcel.repo] if name != ".gitattributes"}


def test_a_space_is_made_and_its_files_are_sent(hub, legacy_lfs, parcel):
    assert publish(parcel) == f"{hub.url}/spaces/someone/page"
    assert sent(hub, parcel) == {"README.md", "demo/app.py", "weights.safetensors"}
    assert hub.repositories["spaces", "someone/page"]["weights.safetensors"] == b"w" * 5000
    (made,) = hub.created
    assert (made["type"], made["sdk"], made["hardware"]) == ("space", "gradio", "zero-a10g")
    assert any(line.startswith("PUT /lfs/") for line in hub.log)


def test_with_xet_installed_the_pipeline_of_small_files_is_taken(hub, parcel):
    hub.by_lfs = (".none",)
    publish(parcel)
    assert sent(hub, parcel) == {"README.md", "demo/app.py", "weights.safetensors"}


def test_what_is_there_already_is_left_unless_update_is_given(hub, legacy_lfs, parcel):
    publish(parcel)
    hub.repositories["spaces", parcel.repo] |= {"demo/old.py": b"old", "notes.txt": b"theirs"}
    with pytest.raises(HubError, match="There is a space someone/page already; give --update"):
        publish(parcel)
    (parcel.folder / "demo" / "app.py").write_text("print('newer')\n")
    publish(parcel, update=True)
    assert sent(hub, parcel) == {"README.md", "demo/app.py", "weights.safetensors", "notes.txt"}
    assert b"newer" in hub.repositories["spaces", parcel.repo]["demo/app.py"]


def test_without_a_token_nothing_is_asked(hub, parcel, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="There is no token: run `hf auth login`, or set HF_TOKEN"):
        publish(parcel)
    assert hub.log == []


def test_a_wrong_token_is_said(hub, parcel, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match=r"does not know the token.*\(401\)"):
        publish(parcel)
    assert hub.created == []


def test_another_ones_name_is_refused_by_the_hub(hub, parcel):
    other = Parcel("another/page", "space", parcel.folder, parcel.files, "gradio")
    with pytest.raises(HubError, match=r"as someone: the token may not write there.*\(403\)"):
        publish(other)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (402, "asks for a paid plan"),
        (409, "the name is taken"),
        (429, "too many requests"),
        (500, "trouble of its"),
    ],
)
def test_each_refusal_is_a_sentence(hub, parcel, status, words):
    hub.refusals["/api/repos/create"] = status
    with pytest.raises(HubError, match=words) as caught:
        publish(parcel)
    assert "\n" not in str(caught.value)


def test_no_network_is_said(hub, parcel, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"the Hub did not answer .*is there a network"):
        publish(parcel)


@pytest.mark.parametrize(
    "name", ["", "page", "a/b/c", "../page", "a/..", "some one/x", "a/-b", "a/b--c", "ä/b", "a/" + "b" * 97]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(HubError, match="is no repository's name") as caught:
        check_name(name)
    assert caught.value.exit_code == 2


def test_a_dry_run_shows_card_and_files_and_asks_nobody(hub, tmp_path, capsys):
    toy = save_toy(tmp_path / "toy")
    assert main(["hub", "push", "someone/toy", "--checkpoint", str(toy)]) == 0
    shown = capsys.readouterr().out
    assert "model-index:" in shown and "model.safetensors" in shown and "Nothing was sent." in shown
    assert hub.log == []


def test_yes_sends_the_checkpoint(hub, legacy_lfs, tmp_path, capsys):
    toy = save_toy(tmp_path / "toy")
    assert main(["hub", "push", "someone/toy", "--checkpoint", str(toy), "--yes"]) == 0
    assert f"Published: {hub.url}/someone/toy" in capsys.readouterr().out
    files = hub.repositories["models", "someone/toy"]
    assert files.keys() == {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert files["config.json"] == (toy / "card.json").read_bytes()
    assert files["model.safetensors"] == (toy / "weights.safetensors").read_bytes()


def test_a_refusal_ends_the_command_with_1(hub, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    toy = save_toy(tmp_path / "toy")
    assert main(["hub", "push", "someone/toy", "--checkpoint", str(toy), "--yes"]) == 1
    assert capsys.readouterr().err.startswith("error: There is no token")
