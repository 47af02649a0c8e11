"""python -m cifar_core: see cli/."""

import os
import signal
import sys

# Ctrl-C ends the process itself until a training can save its state: an exception would be lost, or taken for
# another, while torch is imported or exports a network. cli/main.py lets trainings hear of it.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# Before torch starts its threads: waiting ones sleep. Spinning ones take a busy two-core machine's time
# from the very threads that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Every process of torchrun would print torch's notes, above all that it looks for unused parameters.
if "TORCHELASTIC_RUN_ID" in os.environ:
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

from cifar_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
