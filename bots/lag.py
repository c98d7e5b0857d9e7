"""How late the event loop is: what holds it up is felt by everybody at once."""

import asyncio
from collections.abc import Callable


async def watch_loop(observe: Callable[[float], None], every: float = 0.25) -> None:
    """Tell `observe` after each sleep of `every` seconds how many seconds late it ended, until cancelled."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await asyncio.sleep(every)
        observe(max(0.0, clock() - due))
