"""Two processes that share a batch learn what one learns from it: step by step, on CPUs, by gloo."""

import json

import pytest

from tests.support.shared_training import STEPS, torchrun, trained

pytestmark = pytest.mark.timeout(400)  # the first waits for all trainings of two processes
MUON = {"optimizer": "muon", "lr": 0.01, "bias_lr": 0.05, "head_lr": 0.05, "mixing_lr": 0.05}
PLAIN = {"model": "speed94", "model_args": {"widths": [4, 8]}, **MUON}
MIXING = {"model": "mixing_lite", "model_args": {"widths": [4, 8], "num_kernels": 2}, **MUON}
EQUAL = {
    "plain": PLAIN,
    "mixing": MIXING,
    "everything": {
        **MIXING,
        "optimizer": "sgd",
        "lr": 0.05,
        "accumulation_steps": 3,
        "ema_decay": 0.9,
        "label_smoothing": 0.1,
        "augmentation": "flip_crop_cutout",
        "image_sizes": (16, 32),
        "outliers": 0.3,
    },
    "uneven batches": {**PLAIN, "train_size": 192, "batch_size": 19},  # 9 and 10 images, then 2
    "a last batch smaller than the ranks' pairs": {**MIXING, "train_size": 183},  # 3 images
    "its own batch norm": {"model": "scale_resnet", "model_args": {"batch_statistics": True}, "lr": 0.005},
}
RESUMED = {
    "own statistics": {**MIXING, "sync_batch_norm": False},
    "dropout": {"model": "mixing_4", "model_args": {"num_kernels": 2}, "lr": 0.01, "train_size": 100},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What two processes found, all in one start."""
    folder = tmp_path_factory.mktemp("shared")
    stopped = {f"{name}, resumed": {**one, "stop": 4} for name, one in RESUMED.items()}
    (folder / "settings.json").write_text(json.dumps({**EQUAL, **RESUMED, **stopped}))
    arguments = ("tests.support.shared_training", str(folder / "settings.json"), str(folder / "found.json"))
    with torchrun(2, *arguments) as process:
        said, _ = process.communicate(timeout=360)
    assert process.returncode == 0, said
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("name", EQUAL)
def test_two_processes_equal_one(found, name):
    alone, shared = trained(EQUAL[name]), found[name]
    assert len(shared["losses"]) == len(alone["losses"]) >= STEPS
    assert shared["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert len(set(shared["digests"])) == 1, "the processes drifted apart"
    for kind in ("train", "val"):
        for ours, theirs in zip(shared[kind], alone[kind], strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("name", RESUMED)
def test_two_processes_go_on_to_the_last_bit(found, name):
    whole, resumed = found[name], found[f"{name}, resumed"]
    assert resumed["losses"] == whole["losses"] and resumed["digests"] == whole["digests"]
    assert len(set(whole["digests"])) == 1


def test_who_cannot_do_its_part_ends_all_with_one_sentence_of_the_leaders(found):
    for name in ("the leader", "the leader, while others wait"):
        leader, other = found["problems"][name]
        assert leader == "ConfigError 2: there is no such folder" and other.startswith("Dismissed 2")
    leader, other = found["problems"]["another"]
    assert "Rank 1 of 2" in leader and "no such folder" in leader and "no such folder" in other


def test_statistics_of_shares_are_others(found):
    """Else the comparison would prove nothing."""
    losses = trained(MIXING)["losses"]
    assert found["own statistics"]["losses"] != pytest.approx(losses, rel=1e-3)
