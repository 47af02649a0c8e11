"""Many people at the classify page: how long their answers take, who is refused, whether memory stays flat.

    python -m tests.tools.load --people 20 --seconds 60            # each sends a picture every few seconds
    python -m tests.tools.load --people 200 --at-once              # all in the same moment, three times

It starts the page in a process of its own on this machine (`--url` asks another one), with two cores and no
more where the system lets it choose, and says how long the start took. A click is what the page's own script
does: upload, join the line, wait for the answer to be pushed; each person stays in one session, as on a page.
"""

import argparse
import asyncio
import io
import json
import os
import random
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import httpx

from cifar_core.files import PROJECT_ROOT
from demo.shared.drawings import DRAWINGS
from tests.support.classify_caller import FILE
from tests.tools.processor_time import processor_seconds

PAUSE_SECONDS = (1.0, 3.0)  # between a person's clicks: time to look at the answer
PATIENCE_SECONDS = 60  # after which a person has gone, and calls it an error
ENDPOINT = "answer_view"


@dataclass
class Report:
    """What people met: seconds from sending to the answer; the server's memory (MB) and processor time."""

    seconds: list[float] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; times in milliseconds."""
        times = sorted(1000 * one for one in self.seconds) or [0.0]
        return {
            "met": dict(self.met),
            "median_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[min(len(times) - 1, int(0.95 * len(times)))], 1),
            "longest_ms": round(times[-1], 1),
            "processor_ms_an_answer": round(1000 * self.processor_seconds / max(1, len(times)), 1),
            "memory_mb": [round(one) for one in self.memory_mb],
        }


@cache
def photos() -> list[bytes]:
    """Pictures as phones and browsers send them: JPEG, 600 to 1200 pixels a side."""
    files = []
    for number, draw in enumerate(DRAWINGS.values()):
        buffer = io.BytesIO()
        draw().resize((600 + 150 * number, 600)).save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


@dataclass
class Person:
    """One open page: `session` as Gradio's script invents it, `function` the number of what answers."""

    http: httpx.AsyncClient
    session: str
    function: int

    async def click(self, data: bytes, report: Report) -> None:
        """Send a picture and wait for what comes of it."""
        begun = time.perf_counter()
        try:
            met = await asyncio.wait_for(self.asked(data), PATIENCE_SECONDS)
        except (httpx.HTTPError, KeyError, ValueError, TimeoutError) as error:
            met = f"error: {type(error).__name__}"
        report.met[met] += 1
        if met == "answer":
            report.seconds.append(time.perf_counter() - begun)

    async def asked(self, data: bytes) -> str:
        """ "answer", "full", or what went wrong."""
        uploaded = await self.http.post("gradio_api/upload", files={"files": ("photo.jpg", data)})
        payload = {"path": uploaded.raise_for_status().json()[0], "orig_name": "photo.jpg", **FILE}
        values = [payload, None, None, 0, 1, 0, 0]
        body = {"data": values, "fn_index": self.function, "session_hash": self.session}
        joined = await self.http.post("gradio_api/queue/join", json=body)
        if joined.status_code == 503:  # the line is full, or the page closing
            return "full"
        joined.raise_for_status()
        where = {"session_hash": self.session}
        async with self.http.stream("GET", "gradio_api/queue/data", params=where) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    return _met(message)
        return "error: the line ended without an answer"


def _met(message: dict[str, Any]) -> str:
    output = message["output"]
    if message["success"] and "top" in output["data"][3]:
        return "answer"
    return f"error: {json.dumps(output)[:200]}"


async def function_number(url: str) -> int:
    """The number by which the page's script asks for an answer."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        config = (await http.get("config")).raise_for_status().json()
    return next(int(one["id"]) for one in config["dependencies"] if one["api_name"] == ENDPOINT)


async def stay(url: str, seconds: float, report: Report, number: int, function: int) -> None:
    """Click, look, click again, until the time is over."""
    chance, files = random.Random(number), photos()
    end = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        person = Person(http, secrets.token_hex(6), function)
        await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS[1]))
        while time.monotonic() < end:
            await person.click(chance.choice(files), report)
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))


async def crowd(url: str, people: int, report: Report) -> None:
    """So many people, all in the same moment."""
    files, function = photos(), await function_number(url)
    # A connection that the server closes at this moment is reset; a browser then asks again, httpx does not.
    limits = httpx.Limits(max_connections=people, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
        persons = [Person(http, secrets.token_hex(6), function) for _ in range(people)]
        await asyncio.gather(
            *(one.click(files[number % len(files)], report) for number, one in enumerate(persons))
        )


def memory_mb(process: int | None) -> float:
    """Resident memory of a process in MB; 0 where the system does not tell."""
    try:
        with open(f"/proc/{process}/status", encoding="utf-8") as file:
            found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
    except OSError:
        return 0.0
    return int(found[1]) / 1000 if found else 0.0


async def measure(
    url: str, people: int, seconds: float, process: int | None = None, times: int = 1
) -> Report:
    """People who click for so many seconds, or, for 0 seconds, all at once, so many times."""
    photos()  # drawn before anybody clicks
    report = Report()
    await crowd(url, 2, Report())  # the first answers load what is loaded late
    report.memory_mb.append(memory_mb(process))
    begun = processor_seconds(process)
    if seconds:
        function = await function_number(url)
        await asyncio.gather(*(stay(url, seconds, report, number, function) for number in range(people)))
    else:
        for _ in range(times):
            await crowd(url, people, report)
            report.memory_mb.append(memory_mb(process))
    report.memory_mb.append(memory_mb(process))
    report.processor_seconds = processor_seconds(process) - begun
    return report


class Page(NamedTuple):
    """A page's address and process, and how long its start took: by the clock, and of the processor."""

    url: str
    process: int
    start_seconds: float
    start_processor_seconds: float


@contextmanager
def served(port: int | None, *arguments: str) -> Iterator[Page]:
    """The page, started; two cores are its own where the system lets us choose."""
    command = [sys.executable, "-u", str(PROJECT_ROOT / "demo" / "app.py"), *arguments]
    command += [] if port is None else ["--port", str(port)]
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:2])
        assert process.stdout
        first = process.stdout.readline()
        try:
            if not first.startswith("Classify page:"):
                raise RuntimeError(first + process.stdout.read())
            taken = time.monotonic() - begun
            yield Page(first.split()[2], process.pid, taken, processor_seconds(process.pid))
        finally:
            process.terminate()


def main() -> int:
    """Measure and print one JSON document; 1 where anybody met an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--at-once", action="store_true", help="everybody once, in the same moment")
    parser.add_argument("--times", type=int, default=3, help="how often, with --at-once (default: 3)")
    parser.add_argument("--port", type=int, default=7899)
    parser.add_argument("--public", action="store_true", help="decode in a separate process")
    parser.add_argument("--url", help="a page that runs already")
    options = parser.parse_args()
    seconds = 0.0 if options.at_once else options.seconds
    figures: dict[str, Any] = {"people": options.people, "seconds": seconds}
    if options.url:
        report = asyncio.run(measure(options.url, options.people, seconds, None, options.times))
    else:
        with served(options.port, *(["--public"] if options.public else [])) as page:
            figures["start_seconds"] = round(page.start_seconds, 1)
            figures["start_processor_seconds"] = round(page.start_processor_seconds, 1)
            report = asyncio.run(measure(page.url, options.people, seconds, page.process, options.times))
    print(json.dumps({**figures, **report.to_json()}, indent=1))
    return 1 if any(met.startswith("error") for met in report.met) else 0


if __name__ == "__main__":
    sys.exit(main())
