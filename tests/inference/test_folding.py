"""Folding batch norm changes no answer and no coefficient, whatever the network and its statistics."""

import copy
import sys
import threading

import pytest
import torch
from torch import nn

from cifar_core.inference.folding import fold_batch_norm
from cifar_core.models import ImageClassifier, count_macs, create_model, list_models
from cifar_core.models.mixing import MixingBlock, MixingClassifier, MixingConv2d

TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-10}


@torch.no_grad()
def shaken(model, positive=False):
    """Random statistics, scales (of both signs unless `positive`) and shifts in every batch norm."""
    for norm in (module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)):
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2)
        if norm.weight is not None:
            norm.weight.uniform_(0.5, 1.5)
            if not positive:
                norm.weight[::3] *= -1
        if norm.bias is not None:
            norm.bias.uniform_(-0.5, 0.5)
    return model.eval()


def norms(model):
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


@torch.no_grad()
def same_answers(model, dtype=torch.float64, n=3):
    """The folded network, once it is shown to answer as the network does."""
    model = model.to(dtype)
    before = copy.deepcopy(model.state_dict())
    folded = fold_batch_norm(model)
    images = torch.randn(n, 3, 16, 16, dtype=dtype)
    answers = []
    for network in (model, folded):
        with network.record_mixing() as mixing:
            answers.append([network(images), *mixing])
    for mine, other in zip(*answers, strict=True):
        scale = max(1.0, mine.abs().max().item())
        assert (mine - other).abs().max() <= TOLERANCES[dtype] * scale
    assert not folded.training and folded is not model
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return folded


@pytest.mark.parametrize(
    "dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.float64], ids=str
)
@pytest.mark.parametrize("name", list_models())
def test_every_network_answers_as_before(name, dtype):
    torch.manual_seed(0)
    model = shaken(create_model(name))
    folded = same_answers(model, dtype, n=1)
    assert count_macs(folded.float()) <= count_macs(model.float())
    assert norms(folded) <= norms(model)


@pytest.mark.parametrize("name", ["speed_mixing", "deep_mixing", "mixing_lite"])
def test_positive_scales_leave_no_norm_behind_a_convolution(name):
    folded = same_answers(shaken(create_model(name), positive=True))
    left = norms(folded)
    assert left == (3 if name == "mixing_lite" else 0)  # three blocks with an identity beside


class Stack(MixingClassifier):
    """Layers on 8 channels, a mean over positions, and a linear layer."""

    num_classes = 4

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.linear = nn.LazyLinear(4)
        self.linear(self.layers.eval()(torch.zeros(2, 3, 32, 32)).mean(dim=(2, 3)))

    def forward_features(self, images):
        return self.layers(images)

    def forward_head(self, features):
        return self.linear(features.mean(dim=(2, 3)))


STACKS = {
    "plain, without bias": (lambda: [nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()], 0),
    "groups": (lambda: [nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6), nn.SiLU()], 0),
    "no scale": (lambda: [nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.BatchNorm2d(8, affine=False)], 0),
    "pool, scales of both signs": (lambda: [nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.BatchNorm2d(8)], 1),
    "dropout between": (lambda: [nn.Conv2d(3, 8, 3), nn.Dropout(0.5), nn.BatchNorm2d(8)], 0),
    "norm first": (lambda: [nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)], 1),
    "norm twice": (lambda: [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.BatchNorm2d(8)], 0),
    "activation between": (lambda: [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.BatchNorm2d(8)], 1),
    "mixing": (lambda: [MixingConv2d(3, 8), nn.BatchNorm2d(8), nn.GELU()], 0),
    "mixing by sigmoid": (lambda: [MixingConv2d(3, 8, activation="sigmoid"), nn.BatchNorm2d(8)], 1),
    "sum": (lambda: [MixingBlock(3, 8, 2), nn.BatchNorm2d(8), nn.ReLU(inplace=True)], 0),
    "sum with a sigmoid": (lambda: [MixingBlock(3, 8, 2, "sigmoid"), nn.BatchNorm2d(8)], 0),
    "sum with the identity": (lambda: [nn.Conv2d(3, 8, 1), MixingBlock(8, 8, 2), nn.BatchNorm2d(8)], 1),
    "averages": (lambda: [MixingConv2d(3, 8, standardize=True)], 0),
    "no statistics": (lambda: [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False)], 1),
}


@pytest.mark.parametrize(("layers", "left"), STACKS.values(), ids=STACKS.keys())
def test_what_is_exact_is_folded_and_the_rest_is_left(layers, left):
    torch.manual_seed(1)
    model = Stack(*layers())
    if any(getattr(module, "running_mean", 0) is None for module in model.modules()):
        model.eval()
    else:
        shaken(model)
    assert norms(same_answers(model)) == left


class Twisted(ImageClassifier):
    """A convolution used twice, one whose output is used twice, and one added to itself."""

    num_classes = 8

    def __init__(self, way):
        super().__init__()
        self.way, self.conv, self.norm = way, nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward_features(self, images):
        y = self.conv(images)
        if self.way == "used twice":
            return self.norm(y) + y
        if self.way == "called twice":
            return self.norm(y) + self.conv(images.flip(-1))
        if self.way == "added to itself":
            return self.norm(y + y)
        if self.way == "norm called twice":
            return self.norm(y) + self.norm(images.mean(1, keepdim=True).expand(-1, 8, -1, -1)).mean()
        return self.norm(y) if images.mean() > 0 else y  # cannot be recorded

    def forward_head(self, features):
        return features.mean(dim=(2, 3))


@pytest.mark.parametrize(
    "way", ["used twice", "called twice", "added to itself", "norm called twice", "depends on the images"]
)
def test_shared_layers_and_unknown_flow_stay_as_they_are(way):
    assert norms(same_answers(shaken(Twisted(way)))) == 1


@pytest.fixture
def eager_threads():
    """Threads that take turns every ten microseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_networks_may_answer_while_another_is_folded(eager_threads):
    model, images = create_model("mixing_lite", widths=[4, 8]).eval(), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = model(images)
    done, wrong = threading.Event(), []

    def answer():
        while not done.is_set():
            try:
                with torch.no_grad():
                    wrong.extend([] if torch.equal(model(images), expected) else ["another answer"])
            except Exception as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        fold_batch_norm(model)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert fold_batch_norm(model)(images) is not None
