"""All of a run that must survive a restart: weights, optimizer, average, position, sums, random state."""

import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cifar_core.config import TrainConfig
from cifar_core.device import Device
from cifar_core.training.batches import outlier_count
from cifar_core.training.mixing_window import MixingWindow
from cifar_core.training.optimizers import create_optimizer
from cifar_core.training.ranks import ALONE, Ranks
from cifar_core.training.schedules import learning_rate, mixing_temperature
from cifar_core.training.shared_norm import shared_statistics


def create_ema(model: nn.Module, decay: float) -> AveragedModel | None:
    """A copy that follows `model` by `decay` at each `update_parameters`; None when decay is 0 (off)."""
    if decay == 0:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


class Sums:
    """Loss, right answers, images and seconds, summed over steps without waiting for the device."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0
        self.seconds = 0.0

    def add(self, loss: Tensor, correct: Tensor, images: int) -> None:
        """Add one step: its mean loss (), its right answers () and its number of images."""
        self.loss += loss * images
        self.correct += correct
        self.images += images

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy."""
        return self.loss.item() / self.images, self.correct.item() / self.images

    def state_dict(self) -> dict[str, Any]:
        """All sums."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The sums that `state_dict` gave."""
        self.loss.copy_(state["loss"])
        self.correct.copy_(state["correct"])
        self.images, self.seconds = state["images"], state["seconds"]


class Trainer:
    """A network in training: one step at a time, with a state that can be saved after any of them.

    Its fields are written here alone; the loop and the session read them and call its methods.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        config: TrainConfig,
        device: Device,
        steps_per_epoch: int,
        ranks: Ranks = ALONE,
    ) -> None:
        self.model = model.to(device.torch_device)
        self.config, self.device, self.steps_per_epoch = config, device, steps_per_epoch
        self.ranks, self.network = ranks, ranks.wrap(self.model)
        self.running = [value for name, value in self.model.named_buffers() if "running_" in name]
        self.total_steps = steps_per_epoch * config.epochs
        self.optimizer = create_optimizer(model, config)
        self.ema = create_ema(model, config.ema_decay)
        self.step = 0  # done in the run
        self.epochs_done = 0  # with their validation
        self.epoch_sums, self.window_sums = Sums(device.torch_device), Sums(device.torch_device)
        kernels = model.mixing_kernels()  # type: ignore[operator]
        self.mixing = MixingWindow(kernels, model.num_classes, device.torch_device)  # type: ignore[arg-type]
        self.temperature = 0.0  # of the last step's mixing
        self.network_seconds = 0.0  # of this epoch, inside the network and the optimizer
        self.run_seconds = 0.0
        self.best_epoch, self.best_val_accuracy = 0, 0.0
        self.lr_changes: list[list[float]] = []  # [steps done, factor of the schedule from then on]
        self.head = frozenset(model.head_names())  # type: ignore[operator]
        self.head_steps = 0  # the first so many change the head alone
        self.restart_clock()

    @property
    def averaged(self) -> torch.nn.Module:
        """The network that is validated and kept: the averaged one where averaging is on."""
        return self.ema.module if self.ema else self.model

    # Time

    def restart_clock(self) -> None:
        """Leave out the time since the last mark (a pause)."""
        self.marked = time.perf_counter()

    def mark_time(self) -> None:
        """Book the time since the last mark."""
        now = time.perf_counter()
        for sums in (self.epoch_sums, self.window_sums):
            sums.seconds += now - self.marked
        self.run_seconds += now - self.marked
        self.marked = now

    # One step

    def learn_head_first(self) -> None:
        """Let the head, which knows nothing yet, learn alone for the config's share of the run."""
        self.head_steps = round(self.config.head_first * self.total_steps)
        if self.head_steps:
            self.optimizer.start_momentum()

    def _freeze(self, frozen: bool) -> None:
        """Let only the head learn, and the rest answer as it does for a picture; or let all learn."""
        self.model.train(not frozen)
        learned = [parameter.requires_grad for parameter in self.model.parameters()]
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not frozen or name in self.head)
        if learned != [parameter.requires_grad for parameter in self.model.parameters()]:
            self.network = self.ranks.wrap(self.model)  # which looks once at what is learned

    def train_step(self, images: Tensor, targets: Tensor, taught: Tensor | None = None) -> None:
        """Forward, backward, and where a group of batches is complete the change of the weights.

        images (N, 3, H, W) normalized, targets (N,); taught: the teachers' probabilities (N, num_classes).
        Images beyond the targets are outliers: their loss is toward equal probabilities. Each of several
        ranks has its share of the images and of what is taught, and all targets.
        """
        start = time.perf_counter()
        config, ranks, count = self.config, self.ranks, len(targets)
        if self.head_steps:
            self._freeze(self.step < self.head_steps)
        temperature = mixing_temperature(config, self.step, self.total_steps)
        for model in (self.model, self.averaged):  # set, not averaged
            model.set_mixing_temperature(temperature)  # type: ignore[operator]
        self.temperature = temperature if self.mixing.kernels else 0.0
        ranks.seed(config.seed, self.step)
        shared = shared_statistics(ranks, count, config.sync_batch_norm)
        with self.device.autocast(), self.model.record_mixing() as record, shared:  # type: ignore[operator]
            logits = self.network(images)
        own = targets[ranks.rows(count)]
        logits, beyond = logits.float().split([len(own), len(images) - len(own)])
        loss = cross_entropy(logits, own, label_smoothing=config.label_smoothing)
        if taught is not None:
            loss = torch.lerp(loss, cross_entropy(logits, taught), config.distillation)
        loss = loss * ranks.weight(count)
        if len(beyond):
            weight = OUTLIER_WEIGHT * ranks.weight(outlier_count(config.outliers, count))
            loss = loss - weight * beyond.log_softmax(dim=1).mean()
        (loss / (self._group_size() if config.accumulation == "mean" else 1)).backward()
        if not config.sync_batch_norm:
            ranks.mean(self.running)
        self._change_weights()
        with torch.no_grad():
            correct = (logits.argmax(dim=1) == own).sum()
            record = [coefficients[: len(own)] for coefficients in record]
            mean_loss, correct, record = ranks.whole_batch(count, loss.detach(), correct, record)
            for sums in (self.epoch_sums, self.window_sums):
                sums.add(mean_loss, correct, count)
            self.mixing.add(record, targets)
        self.network_seconds += time.perf_counter() - start

    def _change_weights(self) -> None:
        self.optimizer.set_lr(self.lr_factor * self.scheduled_lr)
        self.step += 1
        last_of_epoch = self.step % self.steps_per_epoch == 0
        if self._accumulated() == 0 or last_of_epoch:
            self.optimizer.step()
            self.optimizer.zero_grad()
            if self.ema:
                self.ema.update_parameters(self.model)

    def _accumulated(self) -> int:
        """Batches whose gradients wait for the rest of their group."""
        return (self.step % self.steps_per_epoch) % self.config.accumulation_steps

    def _group_size(self) -> int:
        """Batches in the group of the coming step; the last group of an epoch may be smaller."""
        done = self.step % self.steps_per_epoch
        size = self.config.accumulation_steps
        return min(size, self.steps_per_epoch - done // size * size)

    @property
    def scheduled_lr(self) -> float:
        """The schedule's rate of the coming step."""
        return learning_rate(self.config, self.step, self.steps_per_epoch)

    @property
    def lr_factor(self) -> float:
        """The factor on the schedule: 1, or that of the last change."""
        return self.lr_changes[-1][1] if self.lr_changes else 1.0

    def scale_lr(self, factor: float) -> None:
        """Multiply the schedule by `factor` from the coming step on."""
        self.lr_changes.append([self.step, factor])

    def factor_for(self, lr: float) -> float | None:
        """The factor that makes the coming step's rate `lr`; None where the schedule has ended at 0."""
        return lr / self.scheduled_lr if self.scheduled_lr > 0 else None

    @property
    def lr(self) -> float:
        """The learning rate of the last step (Muon: that of the filters)."""
        return float(self.optimizer.param_groups[0]["lr"])

    # What was summed

    def take_window(self) -> tuple[float, float, float]:
        """Mean loss, accuracy and images a second since this was last asked; begins the next window."""
        window, self.window_sums = self.window_sums, Sums(self.device.torch_device)
        return *window.means(), round(window.images / max(window.seconds, 1e-9), 2)

    def end_epoch(self, val_accuracy: float) -> None:
        """Count the epoch that was validated, note whether its weights are to be kept, begin the next one."""
        self.epochs_done += 1
        if self.config.keeps_last or val_accuracy > self.best_val_accuracy or self.best_epoch == 0:
            self.best_epoch, self.best_val_accuracy = self.epochs_done, val_accuracy
        self.epoch_sums, self.network_seconds = Sums(self.device.torch_device), 0.0
        self.window_sums = Sums(self.device.torch_device)  # leaves validation out of the training speed

    # State

    def state_dict(self) -> dict[str, Any]:
        """Nested dicts and lists of tensors and plain values; complete, so that a resumed run is equal."""
        random = {"cpu": torch.get_rng_state()}
        if self.device.torch_device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        waiting = {name: p.grad for name, p in self.model.named_parameters() if p.grad is not None}
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict() if self.ema else {},
            "optimizer": self.optimizer.state_dict(),
            "gradients": waiting if self._accumulated() else {},
            "random": random,
            "epoch_sums": self.epoch_sums.state_dict(),
            "window_sums": self.window_sums.state_dict(),
            "mixing": self.mixing.state_dict(),
            "lr_changes": [list(change) for change in self.lr_changes],
            "head_steps": self.head_steps,
            **{name: getattr(self, name) for name in _PLAIN},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.model.load_state_dict(state["model"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, parameter in self.model.named_parameters():
            gradient = state["gradients"].get(name)
            parameter.grad = None if gradient is None else gradient.to(parameter.device)
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"] and self.device.torch_device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"])
        self.epoch_sums.load_state_dict(state["epoch_sums"])
        self.window_sums.load_state_dict(state["window_sums"])
        self.mixing.load_state_dict(state.get("mixing", {}))
        self.lr_changes = state.get("lr_changes", [])  # earlier versions had none
        self.head_steps = state.get("head_steps", 0)
        for name in _PLAIN:
            setattr(self, name, state[name])
        self.restart_clock()


OUTLIER_WEIGHT = 0.5  # of their loss beside that of the labels (Hendrycks et al. 2019, arXiv 1812.04606)
_PLAIN = ("step", "epochs_done", "network_seconds", "run_seconds", "best_epoch", "best_val_accuracy")
