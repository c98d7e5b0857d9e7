"""The engine that asks workers elsewhere, Ray Serve at one address or several, for cartoons (see core.wire).

A call that fails is made again a moment later, at another address where there is one: exponential backoff with
full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). An address where calls fail
in a row is left alone for a while, then one call tries it: a circuit breaker (Nygard, "Release It!", 2007).
"""

import asyncio
import io
import json
import logging
import math
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from core.circuit import Address, Timing, TokenRefused, Trouble
from core.errors import CartoonbotError, Closed, ConfigError, DrawingFailed, EngineAway, OutOfMemory
from core.look import Look
from core.photo import Array, fitted
from core.styles.registry import STYLE_NAMES
from core.wire import (
    DRAWING_FAILED,
    LOOK_HEADER,
    MEDIA_TYPE,
    packed,
    packed_bytes,
    packed_look,
    unpacked,
    unpacked_error,
)

if TYPE_CHECKING:
    # Who only draws has no aiohttp; and asking others needs no torch.
    import aiohttp

    from core.engine import Engine

log = logging.getLogger(__name__)

# What an answer that is no picture may weigh.
_MOST_WORDS: Final = 1 << 16
# How long a close may take, in seconds; looking up a name cannot be called off.
_CLOSING: Final = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class ClusterEngine:
    """Engine over HTTP. Each photo is a call of its own; `stylize` may be called from many threads at once.

    `seconds`: what one call may take. A photo is sent again until `patience` seconds are over, so it takes at most
    both together and Timing.greeting. `fallback` builds the engine that draws while no address answers: the styles
    that it `falls_back_for`, one call at a time, while the others wait for workers. Raises ConfigError where the
    token is refused; an address that does not answer is logged.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: str | None,
        seconds: float,
        *,
        patience: float = 120.0,
        fallback: "Callable[[], Engine] | None" = None,
        falls_back_for: Callable[[str], bool] = lambda style: True,
        timing: Timing | None = None,
    ) -> None:
        import aiohttp

        self._timing = timing or Timing()
        self._addresses = [Address(url, self._timing) for url in urls]
        self._timeout = aiohttp.ClientTimeout(seconds)
        self._greeting_timeout = aiohttp.ClientTimeout(min(seconds, self._timing.greeting))
        self._patience = patience
        self._fallback = fallback
        self._falls_back_for = falls_back_for
        self._local: Engine | None = None
        self._answered_at = -math.inf
        self._drawing = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False
        session = {"Authorization": f"Bearer {token}"} if token else {}
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, aiohttp.ClientSession]] = Future()
        # A daemon: an address that hangs does not keep the program from ending.
        self._thread = threading.Thread(
            target=lambda: asyncio.run(_live(session, ready)), name="cluster", daemon=True
        )
        self._thread.start()
        self._loop, self._stop, self._session = ready.result()
        try:
            self._run(self._greet_all)
        except BaseException:
            self.close()
            raise

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that can be drawn at every address which has named its own; none while none has."""
        named = [address.styles for address in self._addresses if address.styles]
        return tuple(name for name in STYLE_NAMES if named and all(name in styles for styles in named))

    def prepare(self, photo: Array) -> None:
        """Nothing: the workers find the faces."""

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """See Engine.stylize. The looks have no sheets.

        Raises what the workers say of a photo, a UserError, OutOfMemory or DrawingFailed; EngineAway when they do
        not answer in time; Closed, also when the engine is closed meanwhile.
        """
        order = _Order([_Call.of(photo, look) for photo, look in zip(photos, looks, strict=True)])
        try:
            drawn = self._run(self._draw_all, order)
            left = [index for index, cartoon in enumerate(drawn) if cartoon is None]
            here = self._draw_here([photos[index] for index in left], [looks[index] for index in left])
        finally:
            if order.may_draw_here:
                self._drawing.release()
        for index, cartoon in zip(left, here, strict=True):
            drawn[index] = cartoon
        return [cartoon for cartoon in drawn if cartoon is not None]

    def close(self) -> None:
        """End the calls under way and close the engine that draws here, if any. May be called twice."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSING)
        with self._drawing:
            if self._local is not None:
                self._local.close()

    def _run(self, work: Callable[P, Coroutine[Any, Any, T]], *arguments: P.args, **options: P.kwargs) -> T:
        """What the work gives, done by the loop."""
        with self._closing:
            self._check_open()
            answer = asyncio.run_coroutine_threadsafe(work(*arguments, **options), self._loop)
        try:
            return answer.result()
        except CancelledError as error:
            raise Closed("The engine was closed before the photo was drawn.") from error

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("The engine is closed; build a new one.")

    def _draw_here(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        if not photos:
            return []
        assert self._fallback is not None  # no photo is left otherwise
        self._check_open()
        if self._local is None:
            self._local = self._fallback()
        return self._local.stylize(photos, looks)

    # All below is done by the loop, in its thread.

    async def _greet_all(self) -> None:
        await asyncio.gather(*map(self._greet_first, self._addresses))

    async def _greet_first(self, address: "Address") -> None:
        try:
            with address.call(trial=True):
                await self._greet(address)
        except TokenRefused as error:
            raise ConfigError(str(error)) from error
        except Trouble:
            pass  # It is logged, and asked again when there is a photo for it.

    async def _draw_all(self, order: "_Order") -> list[Array | None]:
        try:
            async with asyncio.TaskGroup() as group:
                drawing = [group.create_task(self._draw(call, order)) for call in order.calls]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [each.result() for each in drawing]

    async def _draw(self, call: "_Call", order: "_Order") -> Array | None:
        """The cartoon; None where it shall be drawn here."""
        begun = monotonic()
        until = begun + self._patience
        pause = self._timing.pause
        last: Address | None = None
        trouble: Trouble | None = None
        while True:
            address = self._chosen(last)
            if address is not None:
                try:
                    return await self._ask(address, call)
                except Trouble as error:
                    last, trouble = address, error
            wait = self._until_rested() + random.uniform(0, pause)
            over = monotonic() + wait > until
            if (over or self._all_away()) and self._may_draw_here(call, order):
                return None
            if over and self._answered_at > begun:
                raise DrawingFailed(f"Workers drew other photos, and this one not: {trouble}") from trouble
            if over:
                raise EngineAway(
                    f"No worker drew this photo within {self._patience:g} s ({trouble or 'none answers'}). See "
                    "that Ray Serve runs and that INFERENCE_URL is its address; with INFERENCE_FALLBACK=1 photos "
                    "are drawn on this machine meanwhile."
                ) from trouble
            await asyncio.sleep(wait)
            pause = min(2 * pause, self._timing.longest_pause)

    def _may_draw_here(self, call: "_Call", order: "_Order") -> bool:
        """Whether this machine draws the style, and is free: who waits for it may as well wait for workers."""
        if self._fallback is None or not self._falls_back_for(call.style):
            return False
        order.may_draw_here = order.may_draw_here or self._drawing.acquire(blocking=False)
        return order.may_draw_here

    def _chosen(self, last: "Address | None") -> "Address | None":
        """Of the addresses that are not left alone the one with the fewest calls under way, each in its turn;
        that of the last attempt only where there is no other."""
        now = monotonic()
        ready = [address for address in self._addresses if address.rests_until <= now]
        return min(ready, key=lambda each: (each is last, each.under_way, each.asked_at), default=None)

    def _until_rested(self) -> float:
        """Seconds until an address may be asked; no more than the longest pause, since one may be back sooner."""
        soonest = min(address.rests_until for address in self._addresses)
        if soonest == math.inf:
            # A trial is under way.
            return 0.0
        return min(max(soonest - monotonic(), 0.0), self._timing.longest_pause)

    def _all_away(self) -> bool:
        return all(address.away for address in self._addresses)

    async def _ask(self, address: "Address", call: "_Call") -> Array:
        """The cartoon. Raises what the workers say of the photo, or Trouble."""
        with address.call() as trial:
            if trial:
                await self._greet(address)
            status, body = await self._request(
                "POST",
                f"{address.url}/stylize",
                self._timeout,
                packed_bytes(*call.shape),
                headers={LOOK_HEADER: call.look, "Content-Type": MEDIA_TYPE},
                # Sent in pieces: large bytes would hold up the loop.
                data=io.BytesIO(call.body),
            )
            answer = _answer(address, call, status, body)
            self._answered_at = monotonic()
        if isinstance(answer, CartoonbotError):
            raise answer
        return answer

    async def _greet(self, address: "Address") -> None:
        """Ask which styles are drawn there. Raises Trouble."""
        url = f"{address.url}/healthz"
        status, body = await self._request("GET", url, self._greeting_timeout, _MOST_WORDS)
        _check(address, status)
        try:
            named = json.loads(body)["styles"]
            address.styles = tuple(name for name in STYLE_NAMES if name in named)
        except (ValueError, LookupError, TypeError) as error:
            raise Trouble(f"{url} did not name its styles") from error

    async def _request(
        self, method: str, url: str, limit: "aiohttp.ClientTimeout", most: int, **options: Any
    ) -> tuple[int, bytes]:
        """Status and body, which with status 200 may have `most` bytes. Raises Trouble."""
        import aiohttp

        try:
            async with self._session.request(
                method, url, timeout=limit, allow_redirects=False, **options
            ) as response:
                most = most if response.status == 200 else _MOST_WORDS
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > most:
                        raise Trouble(f"{url} answered {response.status} with more than {most} bytes")
                return response.status, bytes(body)
        except TimeoutError as error:
            raise Trouble(f"{url} did not answer within {limit.total:g} s", at_once=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Trouble(f"{url}: {str(error) or type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Call:
    """A photo and its look on the wire; `shape`: height and width of the cartoon."""

    body: bytes
    look: str
    style: str
    shape: tuple[int, int]

    @classmethod
    def of(cls, photo: Array, look: Look) -> "_Call":
        shape = fitted(photo.shape[0], photo.shape[1], look.size)
        return cls(packed(photo), packed_look(look), look.style, shape)


@dataclass(slots=True)
class _Order:
    """The photos of one `stylize`; `may_draw_here`: it holds the lock of the engine that draws here."""

    calls: Sequence[_Call]
    may_draw_here: bool = False


def _answer(address: Address, call: _Call, status: int, body: bytes) -> Array | CartoonbotError:
    """The cartoon, or why there will be none. Raises Trouble."""
    if status == 422:
        return unpacked_error(body)
    if status == DRAWING_FAILED:
        return DrawingFailed(f"{address.url} could not draw this photo; its log says why.")
    if status == 507:
        return OutOfMemory(f"this photo does not fit on the device of {address.url}")
    _check(address, status)
    try:
        cartoon = unpacked(body)
    except ValueError as error:
        raise Trouble(f"{address.url} sent no picture: {error}") from error
    if cartoon.shape[:2] != call.shape:
        raise Trouble(f"{address.url} sent a picture of {cartoon.shape[:2]}, not {call.shape}")
    return cartoon


def _check(address: Address, status: int) -> None:
    """Raises Trouble unless that is the status of an answer."""
    if status in (401, 403):
        raise TokenRefused(
            f"{address.url} refuses the token: set INFERENCE_TOKEN here to the INFERENCE_TOKEN of the workers.",
            at_once=True,
        )
    if status != 200:
        raise Trouble(f"{address.url} answered {status}")


async def _live(
    headers: dict[str, str],
    ready: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, aiohttp.ClientSession]]",
) -> None:
    """What the thread does: keep a session, with these headers, until it is told to stop; then end all calls."""
    import aiohttp

    stop = asyncio.Event()
    # As many connections as there are calls: how many, the threads that call decide.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        ready.set_result((asyncio.get_running_loop(), stop, session))
        await stop.wait()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
