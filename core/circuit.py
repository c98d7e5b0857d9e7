"""Whether an address is worth asking: the circuit breaker of core.cluster (Nygard, "Release It!", 2007)."""

import logging
import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

log = logging.getLogger(__name__)

# So many failures in a row, and an address is left alone.
TOLERATED: Final = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds: the pause before a photo is sent again, how long an address is left alone, both doubling to
    their longest; and how long /healthz may take."""

    pause: float = 0.2
    longest_pause: float = 2.0
    rest: float = 1.0
    longest_rest: float = 10.0
    greeting: float = 5.0


class Trouble(Exception):
    """A call that may go well another time; `at_once`: no other should be made there for now."""

    def __init__(self, text: str, *, at_once: bool = False) -> None:
        super().__init__(text)
        self.at_once = at_once


class TokenRefused(Trouble):
    """The workers want another token."""


class Address:
    """Where workers are, and its circuit breaker: `away` after failures in a row, and until `rests_until` (of the
    monotonic clock) not to be asked; then one call tries it, and nothing else until that one is over."""

    def __init__(self, url: str, timing: Timing) -> None:
        self.url = url
        self.styles: tuple[str, ...] = ()
        self.under_way = 0
        self.asked_at = 0.0
        self.away = False
        self.rests_until = 0.0
        self._timing = timing
        self._rest = timing.rest
        self._failures = 0
        self._failed_at = 0.0

    @contextmanager
    def call(self, trial: bool = False) -> Generator[bool]:
        """Around a call there: its end is counted. Gives whether it is one that tries whether the address is back;
        with `trial`, the first of all is."""
        trial = trial or self.away
        self.asked_at = begun = monotonic()
        self.under_way += 1
        if trial:
            self.rests_until = math.inf
        try:
            yield trial
        except Trouble as trouble:
            self._failed(begun, trouble, at_once=trial or trouble.at_once)
            raise
        else:
            self._answered()
        finally:
            self.under_way -= 1
            if trial and self.rests_until == math.inf:
                # It was called off: the next one tries.
                self.rests_until = begun

    def _failed(self, begun: float, trouble: Trouble, at_once: bool) -> None:
        # What takes all calls under way along is one failure.
        if begun < self._failed_at:
            return
        self._failed_at = monotonic()
        self._failures += 1
        if self.away:
            self._rest = min(2 * self._rest, self._timing.longest_rest)
        elif at_once or self._failures >= TOLERATED:
            self.away, self._rest = True, self._timing.rest
            log.warning("%s draws nothing for now and is asked again from time to time: %s", self.url, trouble)
        if self.away:
            self.rests_until = self._failed_at + self._rest

    def _answered(self) -> None:
        if self.away:
            log.info("%s draws again", self.url)
        self.away, self._failures, self.rests_until = False, 0, 0.0
