"""The time from a mix set by hand to its accuracy, on 500 drawn images and one thread, the default network.

python -m tests.tools.mix_accuracy_cost
"""

import statistics
import time

import numpy as np
import torch

from cifar_core.explain.mix_accuracy import MixAccuracy
from cifar_core.explain.mixing import AS_PREDICTED, Mix, WhatIf
from cifar_core.inference.classifier import Classifier

IMAGES, TIMES = 500, 7


def seconds(asked: MixAccuracy, mixes: list[Mix]) -> str:
    """Processor time of the first chunk of an answer, and of all of it: mean ± standard deviation."""
    first, whole = [], []
    for mix in mixes:
        begun = time.thread_time()
        chunks = asked.right(mix)
        next(chunks)
        first.append(time.thread_time() - begun)
        for _ in chunks:
            pass
        whole.append(time.thread_time() - begun)
    figures = (f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f} s" for found in (first, whole))
    return f"{' for the first chunk, '.join(figures)} for all, n = {len(mixes)}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    classifier = Classifier.load(device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, 32, 32), dtype=np.uint8)
    asked = MixAccuracy(classifier, images, np.zeros(IMAGES, np.int64))
    blocks = list(WhatIf(classifier).blocks)
    steps = [number / 10 for number in range(TIMES)]
    print("as predicted:", seconds(asked, [AS_PREDICTED] * TIMES))
    print("all blocks set:", seconds(asked, [Mix(dict.fromkeys(blocks, (s, 1 - s))) for s in steps]))
    for rest in ({}, dict.fromkeys(blocks, (0.5, 0.5))):
        for block in blocks:
            for share in (0.8, 0.9):  # from the second move on the block's input is kept
                list(asked.right(Mix({**rest, block: (share, 1 - share)})))
            moved = [Mix({**rest, block: (share, 1 - share)}) for share in steps]
            print(f"{block} moved, the others {'set' if rest else 'as predicted'}:", seconds(asked, moved))
