"""The outputs of modules while a network answers, kept apart for the threads that share the network."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident

import torch
from torch import Tensor, nn


@contextmanager
def record_outputs(
    modules: Sequence[nn.Module], take: Callable[[Tensor], Tensor] = Tensor.detach
) -> Iterator[list[Tensor]]:
    """While open, each of this thread's passes leaves `take` of each module's output in the list, in the
    modules' order, in place of the pass before; what other threads let the network compute is not seen."""
    record, owner = [torch.empty(0)] * len(modules), get_ident()

    def keep(number: int, output: Tensor) -> None:
        if get_ident() == owner:  # visitors of a page share the network
            record[number] = take(output)

    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, number=number: keep(number, output))
        for number, module in enumerate(modules)
    ]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()
