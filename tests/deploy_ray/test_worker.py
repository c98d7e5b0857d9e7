"""What a replica draws with: one thread for the device, photos apart from each other, and a health that draws."""

import asyncio
import threading
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from core.errors import EngineStuck, OutOfMemory, PhotoFailed
from core.look import Look
from core.photo import Array
from core.styles.registry import BUILT_IN
from deploy.ray import worker as module
from deploy.ray.worker import HEALTH_DEADLINE, Worker, local_worker
from tests.running import QuickEngine, settings_in
from tests.soak.program import ROOT

LOOK = Look(size=512)
LONG = 60.0


def photo(level: int) -> Array:
    return np.full((8, 10, 3), level, np.uint8)


class PickyEngine(QuickEngine):
    """Raises what `trouble` gives for the photos of a batch, and remembers sizes and threads."""

    def __init__(self, trouble: Callable[[Sequence[Array]], Exception | None] = lambda photos: None) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        self._trouble = trouble

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        self.sizes.append(len(photos))
        self.threads.add(threading.get_ident())
        if error := self._trouble(photos):
            raise error
        return super().stylize(photos, looks)


def worker_of(engine: QuickEngine) -> Worker:
    return Worker(engine, lambda: BUILT_IN, "quick")


def white(photos: Sequence[Array]) -> bool:
    return any(bool((each == 255).all()) for each in photos)


async def test_a_batch_is_drawn_at_once_by_one_thread_that_is_not_the_loop_s() -> None:
    engine = PickyEngine()
    worker = worker_of(engine)
    drawn = await asyncio.gather(*(worker.draw([photo(level)] * 3, [LOOK] * 3) for level in range(4)))
    assert [[cartoon[0, 0, 0] for cartoon in batch if isinstance(cartoon, np.ndarray)] for batch in drawn] == [
        [level] * 3 for level in range(4)
    ]
    assert engine.sizes == [3] * 4
    assert len(engine.threads) == 1
    assert threading.get_ident() not in engine.threads


@pytest.mark.parametrize("error", [PhotoFailed(), RuntimeError("it breaks"), OutOfMemory("too many")])
async def test_a_photo_that_fails_takes_no_other_along(error: Exception) -> None:
    engine = PickyEngine(lambda photos: error if white(photos) else None)
    drawn = await worker_of(engine).draw([photo(1), photo(255), photo(3)], [LOOK] * 3)
    assert isinstance(drawn[0], np.ndarray)
    assert drawn[1] is error
    assert isinstance(drawn[2], np.ndarray)
    assert (drawn[0][0, 0, 0], drawn[2][0, 0, 0]) == (1, 3)
    assert engine.sizes == [3, 1, 1, 1]


async def test_a_batch_too_large_for_the_memory_is_drawn_photo_by_photo() -> None:
    engine = PickyEngine(lambda photos: OutOfMemory("too many") if len(photos) > 1 else None)
    drawn = await worker_of(engine).draw([photo(1), photo(2)], [LOOK] * 2)
    assert [type(cartoon) for cartoon in drawn] == [np.ndarray] * 2


async def test_health_draws_and_tells_what_is_wrong() -> None:
    engine = PickyEngine()
    await worker_of(engine).check()
    assert engine.sizes == [1]
    broken = worker_of(PickyEngine(lambda photos: RuntimeError("device-side assert")))
    with pytest.raises(RuntimeError, match="device-side"):
        await broken.check()


async def test_health_comes_before_the_photos_that_wait() -> None:
    """A batch on the device holds it up, and those that gather in serve.batch do not."""
    entered, go_on = threading.Event(), threading.Event()

    def hold(photos: Sequence[Array]) -> None:
        entered.set()
        assert go_on.wait(LONG)

    engine = PickyEngine(hold)
    worker = worker_of(engine)
    drawing = asyncio.create_task(worker.draw([photo(1)] * 2, [LOOK] * 2))
    await asyncio.to_thread(entered.wait, LONG)
    checking = asyncio.create_task(worker.check())
    await asyncio.sleep(0)
    later = asyncio.create_task(worker.draw([photo(2)] * 3, [LOOK] * 3))
    go_on.set()
    await asyncio.gather(drawing, checking, later)
    assert engine.sizes == [2, 1, 3]


async def test_a_device_that_hangs_is_not_healthy_and_its_photos_are_not_tried_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEALTH_DEADLINE", 0.05)
    monkeypatch.setattr(module, "BATCH_DEADLINE", 0.05)
    go_on = threading.Event()

    def hold(photos: Sequence[Array]) -> None:
        assert go_on.wait(LONG)

    engine = PickyEngine(hold)
    worker = worker_of(engine)
    drawn = await worker.draw([photo(1), photo(2)], [LOOK] * 2)
    assert [type(each) for each in drawn] == [EngineStuck] * 2
    with pytest.raises(EngineStuck):
        await worker.check()
    go_on.set()


async def test_core_s_engine_draws_the_tiny_photo(tmp_path: Path) -> None:
    worker = local_worker(settings_in(tmp_path))
    await worker.check()
    assert worker.about() == {"styles": [*BUILT_IN], "device": "cpu (CPU)"}


def test_the_configuration_fits_the_worker() -> None:
    config = yaml.safe_load((ROOT / "deploy/ray/serve.yaml").read_text(encoding="utf-8"))
    assert config["http_options"]["host"] == "127.0.0.1"
    [application] = config["applications"]
    module_name, _, function = application["import_path"].partition(":")
    source = (ROOT / (module_name.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert f"def {function}(" in source
    [deployment] = application["deployments"]
    assert f"class {deployment['name']}:" in source
    # So that Ray hears what is wrong, not only that it waited in vain.
    assert deployment["health_check_timeout_s"] > HEALTH_DEADLINE
    # While one batch is drawn the next one gathers.
    assert deployment["max_ongoing_requests"] == 2 * deployment["user_config"]["max_batch_size"]
    assert deployment["autoscaling_config"]["target_ongoing_requests"] <= deployment["max_ongoing_requests"]


def test_workers_get_what_the_project_asks_for_and_ray() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {*project["dependencies"], *project["optional-dependencies"]["cluster"]}
    lines = (ROOT / "deploy/ray/requirements.txt").read_text(encoding="utf-8").splitlines()
    needed = {line for line in lines if not line.startswith("#")}
    assert needed <= asked
    assert {*project["optional-dependencies"]["cluster"]} <= needed
