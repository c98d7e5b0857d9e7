"""The application that Ray Serve runs: `serve deploy deploy/ray/serve.yaml`, see README.md beside it."""

from collections.abc import Sequence
from pkgutil import resolve_name
from typing import Any

from ray import serve
from ray.serve import Application
from starlette.applications import Starlette

from core.config import load_settings
from core.errors import ConfigError
from core.look import Look
from core.photo import Array
from deploy.ray.gathering import Gathering
from deploy.ray.ingress import ingress
from deploy.ray.worker import Worker


@serve.deployment(user_config={"max_batch_size": 8, "batch_wait_timeout_s": 0.05})
@serve.ingress()
class Cartoonbot:
    """One replica: it answers HTTP and owns its share of a device. Settings come from the worker's environment.

    `worker` names the function that builds what draws, given them. Without INFERENCE_TOKEN it starts only if
    `open_to_all`.
    """

    def __init__(self, worker: str = "deploy.ray.worker:local_worker", open_to_all: bool = False) -> None:
        settings = load_settings()
        token = settings.inference_token
        if token is None and not open_to_all:
            raise ConfigError(
                "INFERENCE_TOKEN is not set where `ray start` ran. Set it on every machine and start Ray again; "
                "or, where nobody else reaches the port, write `args: {open_to_all: true}` in serve.yaml."
            )
        self._token = token.get_secret_value() if token else None
        self._worker: Worker = resolve_name(worker)(settings)

    def __serve_build_asgi_app__(self) -> Starlette:
        return ingress(self._draw, self._worker.about, self._token)

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Ray calls it with `user_config` of serve.yaml, at the start and when that changes."""
        self._gathering = Gathering(user_config["max_batch_size"])
        self._batch.set_max_batch_size(user_config["max_batch_size"])
        self._batch.set_batch_wait_timeout_s(user_config["batch_wait_timeout_s"])

    async def check_health(self) -> None:
        """Ray calls it again and again, and replaces a replica where it raises three times in a row."""
        await self._worker.check()

    async def _draw(self, photo: Array, look: Look) -> Array:
        await self._worker.prepare(photo)
        async with self._gathering.seat():
            outcome = await self._batch(photo, look)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @serve.batch
    async def _batch(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array | Exception]:
        self._gathering.close()
        return await self._worker.draw(photos, looks)


def build(args: dict[str, Any]) -> Application:
    """What `import_path` in serve.yaml names; `args` there are those of Cartoonbot."""
    return Cartoonbot.bind(**args)
