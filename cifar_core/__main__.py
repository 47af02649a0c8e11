"""python -m cifar_core: see cli/."""

import os
import sys

# Before torch starts its threads: waiting ones sleep. Spinning ones take a busy two-core machine's time
# from the very threads that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from cifar_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
