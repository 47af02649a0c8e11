"""Feed damaged files of every format to the decoder: `python -m tests.tools.fuzz_images`, for a night.

Each format has a process of its own, so that a crash is seen. A file is the same for the same format, seed
and index; `--index N --format PNG` decodes one again. It fails on a crash, on anything but a picture or a
sentence, on a file that takes more than 2 s of the processor or 2 GB, and where memory grows by over 32 MB.
"""

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cifar_core.images.decode import FORMATS, ImageError, decode
from tests.support.picture_mutations import mutant

LONGEST_SECONDS = 2.0
MOST_GROWTH_MB = 32.0
MEMORY_BYTES = 2 * 2**30
HANGING_SECONDS = 60  # of the clock: then the process says where it is, and ends


def fuzz(kind: str, seed: int, count: int, apart: bool = False) -> dict[str, float | int | str]:
    """Decode `count` files; what came of them. Raises AssertionError, naming the file's index.

    apart: this process is for that alone, and may be ended where a file hangs.
    """
    pictures, slowest, slowest_index, start_mb = 0, 0.0, -1, 0.0
    begin = time.monotonic()
    for index in range(count):
        data = mutant(kind, seed, index)
        if apart:
            faulthandler.dump_traceback_later(HANGING_SECONDS, exit=True)
        start = time.process_time()
        try:
            image = decode(data).image
            assert image.mode == "RGB" and min(image.size) > 0, f"index {index}: {image.mode}, {image.size}"
            pictures += 1
        except ImageError as error:
            text = str(error)
            assert "memory" not in text, f"index {index}: {text}"
            assert text.endswith(".") and "\n" not in text and len(text) < 200, f"index {index}: {text}"
        except Exception as error:
            raise AssertionError(f"index {index}: {error!r}") from error
        taken = time.process_time() - start
        if taken > slowest:
            slowest, slowest_index = taken, index
        if index == min(2000, count // 2):  # by then all is loaded, and free memory is as it will be
            start_mb = memory_mb()
    return {
        "format": kind,
        "files": count,
        "pictures": pictures,
        "refused": count - pictures,
        "slowest_ms": round(1000 * slowest),
        "slowest_index": slowest_index,
        "growth_mb": round(memory_mb() - start_mb, 1),
        "seconds": round(time.monotonic() - begin),
    }


def memory_mb() -> float:
    """Resident memory of this process, without what the C library has been given back and keeps."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # not every C library can be asked to let go
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def is_good(result: dict[str, float | int | str]) -> bool:
    return (
        float(result["slowest_ms"]) <= 1000 * LONGEST_SECONDS and float(result["growth_mb"]) <= MOST_GROWTH_MB
    )


def run_apart(kind: str, seed: int, count: int) -> bool:
    """Fuzz one format in a new process and print the result; False where it failed or died."""
    command = [sys.executable, "-m", "tests.tools.fuzz_images", "--here", "--format", kind]
    run = subprocess.run([*command, f"--seed={seed}", f"--count={count}"], stdout=subprocess.PIPE, text=True)
    print(run.stdout.strip() or f"{kind}: the process ended with {run.returncode}", flush=True)
    return run.returncode == 0 and is_good(json.loads(run.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(description="Damaged files of every format through the decoder.")
    parser.add_argument(
        "--count", type=int, default=20_000, help="files of each format (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--index", type=int, help="decode this one file, and show its error")
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if options.index is not None:
        print(decode(mutant(options.format[0], options.seed, options.index)))
        return 0
    if options.here:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        print(json.dumps(fuzz(options.format[0], options.seed, options.count, apart=True)))
        return 0
    good = [run_apart(kind, options.seed, options.count) for kind in options.format]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
