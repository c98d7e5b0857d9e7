"""The thread that calls the engine: one call at a time, and a way out of a call that never returns."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from core.errors import EngineStuck

T = TypeVar("T")
_Calls = SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[object, ...]] | None]


class DeviceThread:
    """A thread cannot be ended from outside, so one that is stuck is left behind and another one started.

    It is a daemon: a device that hangs does not keep the program from ending.
    """

    def __init__(self) -> None:
        self._calls, self._thread = _started()

    async def call(self, deadline: float, work: Callable[..., T], *arguments: object) -> T:
        """What the work gives. Raises EngineStuck after `deadline` seconds; it may still be under way then."""
        answer: Future[T] = Future()
        self._calls.put((answer, work, arguments))
        limit = asyncio.timeout(deadline)
        try:
            async with limit:
                return await asyncio.wrap_future(answer)
        except TimeoutError as error:
            # Not one that the work itself raised.
            if limit.expired():
                raise EngineStuck(f"The device did not answer within {deadline:g} s.") from error
            raise

    def abandon(self, last: Callable[[], object]) -> None:
        """Leave the thread to its call, `last` to be done should it ever return, and start another one."""
        self._leave(last)
        self._calls, self._thread = _started()

    def close(self, last: Callable[[], object], seconds: float) -> None:
        """Wait at most `seconds` for the current call and for `last` after it."""
        self._leave(last)
        self._thread.join(seconds)

    def _leave(self, last: Callable[[], object]) -> None:
        self._calls.put((Future(), last, ()))
        self._calls.put(None)


def _started() -> tuple[_Calls, threading.Thread]:
    calls: _Calls = SimpleQueue()
    thread = threading.Thread(target=_work, args=(calls,), name="device", daemon=True)
    thread.start()
    return calls, thread


def _work(calls: _Calls) -> None:
    while (call := calls.get()) is not None:
        answer, work, arguments = call
        if not answer.set_running_or_notify_cancel():
            continue
        try:
            result = work(*arguments)
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(result)
            del result
        # The next call may be long in coming; photos must not wait for it in memory.
        del call, answer, work, arguments
