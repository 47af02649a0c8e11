"""The time from a mix set by hand to its accuracy, on 500 drawn images and one thread.

python -m tests.tools.hand_mix_cost
"""

import statistics
import time

import numpy as np
import torch

from cifar_core.explain.hand_mix import HandMixed
from cifar_core.explain.mixing import Mix, WhatIf
from cifar_core.inference.classifier import Classifier

IMAGES, TIMES = 500, 7


def seconds(ask, mixes) -> str:
    """Processor time of one answer: mean ± standard deviation."""
    found = []
    for mix in mixes:
        begun = time.thread_time()
        ask(mix)
        found.append(time.thread_time() - begun)
    return f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f} s, n = {len(found)}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    classifier = Classifier.load(device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, 32, 32), dtype=np.uint8)
    targets = np.zeros(IMAGES, np.int64)
    what_if = WhatIf(classifier)
    begun = time.thread_time()
    asked = HandMixed(classifier, images, targets)
    print(f"kept once: {time.thread_time() - begun:.2f} s")
    blocks = list(what_if.blocks)
    steps = [number / 10 for number in range(TIMES)]
    every = [Mix(dict.fromkeys(blocks, (share, 1 - share))) for share in steps]
    print("WhatIf, all blocks:", seconds(lambda mix: what_if.hits(images, targets, mix), every))
    print("HandMixed, all blocks:", seconds(asked.hits, every))
    for block in blocks:
        fixed = dict.fromkeys(blocks, (0.5, 0.5))
        asked.hits(Mix(fixed))
        moved = [Mix({**fixed, block: (share, 1 - share)}) for share in steps]
        print(f"HandMixed, {block} alone:", seconds(asked.hits, moved))
