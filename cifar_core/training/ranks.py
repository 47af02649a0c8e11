"""The processes that train one network together, as torchrun starts them; one alone is the case N = 1.

Rank 0 leads: it alone waits in line, touches the run's folder, hears what is asked and prints. Between two
steps it tells the others what it decided; they wait for that however long it takes, as in a pause. Tensors go
through torch's groups (gloo on CPUs, nccl on GPUs), words through a gloo group of their own.

torch is imported when they join, so that a leader that waits in line costs hardly any memory.
"""

import os
import random
import re
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from cifar_core.config import ConfigError
from cifar_core.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
PATIENCE = timedelta(days=20)  # milliseconds that fit into 31 bits; one that dies is noticed at once
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
READY = "ready"


class RankLost(LabError):
    """Another of the processes is gone."""


class Dismissed(LabError):
    """The leader has ended, and has said why; so do the others, with its exit code."""

    def __init__(self, exit_code: int = 1) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Word:
    """What is told between two steps: stop now, the schedule's factor from now on, somebody was signaled."""

    stop: bool = False
    lr_factor: float = 0.0
    signaled: bool = False


@dataclass(eq=False)
class Ranks:
    """This process's place among `size` that train together, `local_size` of them on this machine.

    With one, every method gives back what it was given.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    words: Any = None  # the group for words, from `join` on

    @classmethod
    def of_environment(cls) -> "Ranks":
        """The place that torchrun gave this process; alone without torchrun."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        return cls(*(int(os.environ[name]) for name in TORCHRUN))

    @property
    def leads(self) -> bool:
        """True for rank 0."""
        return self.rank == 0

    # Coming and going

    def join(self) -> None:
        """Meet the others, and take this process's part of the machine; waits for them, however long.

        Raises:
            ConfigError: when there are fewer GPUs than processes for them.
        """
        if self.size == 1 or self.words is not None:
            return
        import torch
        from torch import distributed

        from cifar_core.device import limit_threads

        if not self.leads:  # asks for Ctrl-C's end while torch waits
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        backend = "gloo"
        if torch.cuda.is_available() and os.environ.get("CIFAR_LAB_DEVICE") != "cpu":
            self._take_gpu(torch.cuda.device_count())
            backend = "cpu:gloo,cuda:nccl"
        limit_threads(self.local_size)
        distributed.init_process_group(backend, timeout=PATIENCE)
        self.words = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def speak_last(self) -> None:
        """Let the leader outlive torchrun's SIGTERM, which ends all when one has: it says why, and ends."""
        if self.size > 1 and self.leads:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _take_gpu(self, gpus: int) -> None:
        import torch

        if self.local_size > gpus:
            raise ConfigError(
                f"There are {self.local_size} processes for {gpus} GPU{'s' if gpus > 1 else ''}; start one "
                f"for each (--nproc-per-node={gpus}), or set CIFAR_LAB_DEVICE=cpu."
            )
        torch.cuda.set_device(self.local_rank)

    def leave(self) -> None:
        """Part from the others; the leader sends home those who still wait for it."""
        if self.size == 1:
            return
        if self.words is None:
            self.join()
            self.tell(Dismissed(0))
        from torch import distributed

        distributed.destroy_process_group()
        self.words = None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Raise RankLost where torch's groups fail because one of the others is gone."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not re.search("gloo|nccl|connection|socket", str(error), re.IGNORECASE):
                raise
            words = f"One of the {self.size} processes that train together is gone"
            raise RankLost(f"{words}: it was killed, ran out of memory, or lost its connection.") from error

    # Words

    def tell(self, document: T | None = None) -> T:
        """The leader's document, for all; raises Dismissed where the leader ends instead."""
        if self.size > 1:
            from torch import distributed

            told = [document]
            distributed.broadcast_object_list(told, src=0, group=self.words)
            document = told[0]
            if isinstance(document, Dismissed) and not self.leads:
                raise document
        return document  # type: ignore[return-value]

    def meet(self, word: Word) -> Word:
        """Tell what the leader decided, and whether any of all was signaled; all come here together."""
        if self.size == 1:
            return word
        import torch
        from torch import distributed

        numbers = torch.tensor([word.stop, word.lr_factor, word.signaled], dtype=torch.float64)
        if not self.leads:
            numbers[:2] = 0
        distributed.all_reduce(numbers, group=self.words)
        stop, lr_factor, signaled = numbers.tolist()
        return Word(bool(stop), lr_factor, bool(signaled))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What one of all cannot do none goes on from: the leader has the sentence of whoever failed."""
        problem: LabError | None = None
        try:
            yield
        except BaseException as error:
            if self.leads:
                self.tell(Dismissed(getattr(error, "exit_code", 1)))
                raise
            if not isinstance(error, LabError) or isinstance(error, Dismissed):
                raise
            problem = error
        while self.tell(READY if self.leads else None) != READY:
            pass  # what was told meanwhile, and not heard after a problem
        for rank, sentence in enumerate(self._all(str(problem or ""))):
            if sentence:
                raise problem or LabError(f"Rank {rank} of {self.size}: {sentence}")

    def _all(self, sentence: str) -> list[str]:
        if self.size == 1:
            return [sentence]
        from torch import distributed

        sentences = [""] * self.size
        distributed.all_gather_object(sentences, sentence, group=self.words)
        return sentences

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Let the leader do it first, as it fills the cache that the others then read."""
        if not self.leads:
            self.tell()
        yield
        if self.leads:
            self.tell("done")

    # Shares of a batch

    def share(self, count: int) -> slice:
        """This rank's part of `count` rows: one after the other, of sizes that differ by one at the most."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def rows(self, count: int) -> slice:
        """The share; where that is empty the first row, which then counts for nothing."""
        own = self.share(count)
        return own if own.stop > own.start else slice(0, 1)

    def weight(self, count: int) -> float:
        """What the mean of the own share counts for among those of all ranks, whose mean is taken."""
        own = self.share(count)
        return (own.stop - own.start) * self.size / count if self.size > 1 else 1.0

    def seed(self, seed: int, step: int) -> None:
        """Let dropout draw differently on each rank, and equally after a resume; the leader's goes on."""
        if self.rank:
            import torch

            torch.manual_seed(random.Random(f"{seed} {step} {self.rank}").getrandbits(63))

    # Tensors

    def wrap(self, model: "nn.Module") -> "nn.Module":
        """The network as it is called in training: its gradients become the mean of all ranks'."""
        if self.size == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        # of a filter of one pixel, whose strides mean nothing
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        with warnings.catch_warnings():  # its newer name is not known to every torch that works here
            warnings.simplefilter("ignore", FutureWarning)
            return DistributedDataParallel(
                model,
                broadcast_buffers=False,  # ours are equal on all ranks
                find_unused_parameters=True,  # else it adds up in another order from the second step on
            )

    def total(self, tensors: "Sequence[Tensor]") -> None:
        """Replace each tensor by its sum over all ranks; they lie on one device."""
        if self.size == 1 or not tensors:
            return
        import torch
        from torch import distributed

        flat = torch.cat([tensor.double().flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def mean(self, tensors: "Sequence[Tensor]") -> None:
        """Replace each tensor by its mean over all ranks; they lie on one device."""
        self.total(tensors)
        for tensor in tensors if self.size > 1 else ():
            tensor /= self.size

    def gather(self, tensor: "Tensor") -> "Tensor":
        """Tensors (C,) of all ranks -> (size, C)."""
        import torch
        from torch import distributed

        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        distributed.all_gather(parts, tensor.contiguous())
        return torch.stack(parts)

    def whole_batch(
        self, count: int, loss: "Tensor", correct: "Tensor", record: "list[Tensor]"
    ) -> "tuple[Tensor, Tensor, list[Tensor]]":
        """A batch's mean loss (), right answers () and mixing coefficients (count, K) from the ranks' shares.

        loss is weighted (see `weight`); record holds (rows, K) a block, and is returned as one block.
        """
        if self.size == 1:
            return loss, correct, record
        import torch

        own = self.share(count)
        counted = own.stop - own.start
        mixed = torch.cat(record, dim=1)[:counted] if record else loss.new_zeros(counted, 0)
        table = mixed.new_zeros(count, mixed.shape[1])
        table[own] = mixed
        loss, correct = loss / self.size, correct * (counted > 0)
        self.total([loss, correct, table])
        if loss.is_cuda:  # with a dead rank a GPU would wait in vain; gloo tells of it
            torch.distributed.barrier(group=self.words)
        return loss, correct, [table]


ALONE = Ranks()
