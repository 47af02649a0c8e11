"""How ranks share a batch, and what they say of each other, without any group of processes."""

import dataclasses

import numpy as np
import pytest
import torch

from cifar_core.config import ConfigError
from cifar_core.training.batches import Augmentation, Batches, outlier_count
from cifar_core.training.evaluation import evaluate
from cifar_core.training.ranks import ALONE, RankLost, Ranks, Word
from cifar_core.training.trainer import Trainer
from tests.support.toy_trainers import CENTERED, CPU, DEVICE, tiny_net, toy_config, toy_split


def ranks(size: int) -> list[Ranks]:
    return [Ranks(rank, size) for rank in range(size)]


@pytest.mark.parametrize(("count", "size"), [(8, 1), (8, 2), (500, 3), (19, 4), (3, 4), (1, 2)])
def test_shares_are_all_rows_once_and_weigh_together_as_many_as_there_are_ranks(count, size):
    shares = [one.share(count) for one in ranks(size)]
    rows = [row for share in shares for row in range(share.start, share.stop)]
    sizes = [share.stop - share.start for share in shares]
    assert rows == list(range(count)) and max(sizes) - min(sizes) <= 1
    assert sum(one.weight(count) for one in ranks(size)) == pytest.approx(size)
    for one, share in zip(ranks(size), shares, strict=True):
        assert one.rows(count) == (share if share.stop > share.start else slice(0, 1))


def test_one_alone_is_given_back_what_it_gives():
    loss, correct, record = torch.tensor(0.7), torch.tensor(3), [torch.ones(4, 2), torch.ones(4, 3)]
    assert ALONE.whole_batch(4, loss, correct, record) == (loss, correct, record)
    model = tiny_net()
    assert ALONE.wrap(model) is model and ALONE.weight(7) == 1.0
    assert ALONE.meet(Word(True, 2.0)) == Word(True, 2.0) and ALONE.tell("word") == "word"
    ALONE.join()
    ALONE.leave()


def batches(one: Ranks, **changes) -> Batches:
    augmentation = dataclasses.replace(Augmentation(mirror=True, padding=2, jitter=0.2), **changes)
    return Batches(*toy_split(21), CENTERED, 8, CPU, augmentation, 3, teacher=_mean, ranks=one)


def _mean(images: torch.Tensor) -> torch.Tensor:
    return images.float().mean(dim=(2, 3))


@pytest.mark.parametrize("size", [2, 3])
def test_the_shares_of_a_batch_are_its_images_in_order(size):
    parts = zip(*(batches(one).epoch(2) for one in ranks(size)), strict=True)
    for (images, targets, taught), shares in zip(batches(ALONE).epoch(2), parts, strict=True):
        for number, whole in enumerate((images, taught)):
            assert torch.equal(torch.cat([share[2 * number] for share in shares]), whole)
        assert all(torch.equal(share[1], targets) for share in shares)


def test_outliers_are_those_of_the_whole_batch():
    for whole, *shares in zip(
        *(batches(one, outliers=0.5).epoch(1) for one in (ALONE, *ranks(2))), strict=True
    ):
        count = len(whole[1])
        halves = [one.share(count).stop - one.share(count).start for one in ranks(2)]
        outliers = torch.cat([share[0][half:] for share, half in zip(shares, halves, strict=True)])
        assert len(outliers) == outlier_count(0.5, count) > 1
        assert torch.equal(outliers, whole[0][count:])


def test_ranks_take_turns_at_what_is_evaluated_and_keep_step():
    images, targets = toy_split(25)
    turns = [list(Batches(images, targets, CENTERED, 10, CPU, ranks=one).in_order()) for one in ranks(2)]
    assert [[len(batch[1]) for batch in turn] for turn in turns] == [[10, 5], [10, 0]]
    assert np.concatenate([turns[0][0][1], turns[1][0][1], turns[0][1][1]]).tolist() == targets.tolist()
    yields = list(evaluate(tiny_net(), turns[1], DEVICE))
    assert len(yields) == 2  # one each, for an empty one too


def test_one_that_is_gone_is_told_from_other_errors():
    with pytest.raises(RankLost, match="3 processes"), Ranks(0, 3).guarded():
        raise RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer")
    for one, words in ((Ranks(0, 3), "size mismatch"), (ALONE, "gloo: Connection closed by peer")):
        with pytest.raises(RuntimeError, match=words) as raised, one.guarded():
            raise RuntimeError(words)
        assert type(raised.value) is RuntimeError


def test_more_processes_than_gpus_are_refused():
    with pytest.raises(ConfigError, match=r"4 processes for 2 GPUs.*nproc-per-node=2.*CIFAR_LAB_DEVICE=cpu"):
        Ranks(1, 4, 1, 4)._take_gpu(2)


def test_dropout_draws_differ_by_rank_and_step_and_the_leaders_stay_as_they_are():
    def drawn(rank: int, step: int) -> float:
        torch.manual_seed(5)
        Ranks(rank, 3).seed(7, step)
        return torch.rand(()).item()

    found = {(rank, step): drawn(rank, step) for rank in range(3) for step in range(2)}
    assert found[0, 0] == found[0, 1] and len(set(found.values())) == 5
    assert found[2, 1] == drawn(2, 1)


def test_a_trainer_alone_calls_its_own_network():
    trainer = Trainer(tiny_net(), toy_config(), DEVICE, 5)
    assert trainer.network is trainer.model
