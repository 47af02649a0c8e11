"""Timing contestants in turn, so that a change of the machine's pace meets all of them alike. No torch."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Notify = Callable[[str, int, int], None]  # (what, seconds spent, seconds allowed)
MIN_ROUNDS = 2  # also when they take longer than the time that is allowed


@dataclass(frozen=True)
class Statistic:
    """Median and spread of n samples: `low` and `high` are the quartiles, below four samples the extremes."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Statistic":
        """The statistic of at least one sample."""
        low, high = min(samples), max(samples)
        if len(samples) >= 4:
            low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(statistics.median(samples), low, high, len(samples))


@dataclass(frozen=True)
class Budget:
    """Seconds that a part of a benchmark may take, counted from `began` (time.perf_counter)."""

    seconds: float
    began: float

    @classmethod
    def start(cls, seconds: float) -> "Budget":
        """A budget that runs from now on."""
        return cls(seconds, time.perf_counter())

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.began

    @property
    def left(self) -> float:
        """Seconds that are left, 0 or more."""
        return max(0.0, self.seconds - self.spent)


def interleave(
    contestants: Mapping[str, Callable[[], object]],
    seconds: float,
    what: str,
    notify: Notify,
    synchronize: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds of every call, by contestant: A, B, …, A, B, … until `seconds` are used up.

    Each is first called once without being counted. At least MIN_ROUNDS rounds are run, and a round is only
    begun if one like the last still fits. `synchronize` waits for the accelerator's queue.
    """
    budget = Budget.start(seconds)
    samples: dict[str, list[float]] = {name: [] for name in contestants}

    def round_of_calls(counted: bool) -> float:
        began = time.perf_counter()
        for name, call in contestants.items():
            taken = timed(call, synchronize)
            if counted:
                samples[name].append(taken)
            notify(what, round(min(budget.spent, seconds)), max(1, round(seconds)))
        return time.perf_counter() - began

    last = round_of_calls(counted=False)
    rounds = 0
    while rounds < MIN_ROUNDS or budget.left > last:
        last = round_of_calls(counted=True)
        rounds += 1
    return samples


def timed(call: Callable[[], object], synchronize: Callable[[], None] = lambda: None) -> float:
    """Seconds of one call, with all that it left to the accelerator."""
    synchronize()
    began = time.perf_counter()
    call()
    synchronize()
    return time.perf_counter() - began


def ratios(baseline: Sequence[float], own: Sequence[float]) -> Statistic:
    """Return how many times as long the baseline takes, round by round."""
    return Statistic.of([one / other for one, other in zip(baseline, own, strict=True)])


def rate(samples: Sequence[float], count: int) -> Statistic:
    """Things a second, from the seconds in which `count` of them were done."""
    return Statistic.of([count / seconds for seconds in samples])
