"""Ray Serve on this machine, measured and killed: `python -m tests.soak.cluster`, after deploy/ray/make_env.sh.

1. How many photos a second two replicas draw, against one, in one node and in two. Their engine sleeps like a GPU.
2. People send photos to the real program, which has them drawn there. In the middle of it a replica is killed, and
   later all of Ray, which is started again 10 seconds after that. Every photo must end in a cartoon, once.
"""

import argparse
import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import numpy as np

from core.cluster import ClusterEngine
from core.look import Look
from core.photo import Array
from tests.fakes.telegram import TelegramServer
from tests.soak.crowd import Crowd
from tests.soak.program import Program
from tests.soak.ray_cluster import ENVIRONMENT, RayCluster
from tests.soak.report import parser, run
from tests.soak.sleeping import BATCH_SECONDS

BATCH: Final = 4
# Photos on their way, for each replica: those of a batch that is drawn and of one that gathers.
ON_THE_WAY: Final = 2 * BATCH
ANSWER_SECONDS: Final = 5.0
AWAY_SECONDS: Final = 10.0


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The report, of both parts."""
    ports = free_ports()
    report: dict[str, Any] = {"batch": BATCH, "batch_seconds": BATCH_SECONDS}
    async with RayCluster(folder / "1", 1, ports, [application("one", 1, 1), application("two", 2, 2)]) as cluster:
        report["throughput_one_node"] = await throughput(cluster, options.rounds)
    async with RayCluster(folder / "2", 2, ports, [application("one", 1, 1), application("two", 2, 1)]) as cluster:
        report["throughput_two_nodes"] = await throughput(cluster, options.rounds)
        return report | await kills(cluster, options, folder)


def application(name: str, replicas: int, most_a_node: int) -> dict[str, Any]:
    """A row of serve.yaml's applications, at the path of its name."""
    return {
        "name": name,
        "route_prefix": f"/{name}",
        "import_path": "deploy.ray.application:build",
        "args": {"worker": "tests.soak.sleeping:sleeping_worker"},
        "deployments": [
            {
                "name": "Cartoonbot",
                "num_replicas": replicas,
                "max_replicas_per_node": most_a_node,
                "max_ongoing_requests": ON_THE_WAY,
                "ray_actor_options": {"num_cpus": 0.5},
                "user_config": {"max_batch_size": BATCH, "batch_wait_timeout_s": 0.05},
            }
        ],
    }


async def throughput(cluster: RayCluster, rounds: int) -> dict[str, Any]:
    """Photos a second, one replica and two in turn."""
    one: list[float] = []
    two: list[float] = []
    for _ in range(rounds):
        one.append(await asyncio.to_thread(photos_a_second, cluster, "one", ON_THE_WAY))
        two.append(await asyncio.to_thread(photos_a_second, cluster, "two", 2 * ON_THE_WAY))
    return {
        "one_replica": [round(rate, 2) for rate in one],
        "two_replicas": [round(rate, 2) for rate in two],
        "median_ratio": round(median(after / before for before, after in zip(one, two, strict=True)), 3),
    }


def photos_a_second(cluster: RayCluster, application: str, threads: int) -> float:
    """With so many photos on their way all the time."""
    photo = np.full((80, 100, 3), 144, np.uint8)
    engine = ClusterEngine([f"{cluster.url}/{application}"], cluster.token, 4 * ANSWER_SECONDS)

    def draw(_: int) -> Array:
        return engine.stylize([photo], [Look(size=512)])[0]

    try:
        with ThreadPoolExecutor(threads) as pool:
            # The first ones find the way.
            assert all(cartoon.any() for cartoon in pool.map(draw, range(2 * threads)))
            photos = 10 * threads
            began = time.monotonic()
            assert all(cartoon.any() for cartoon in pool.map(draw, range(photos)))
            return photos / (time.monotonic() - began)
    finally:
        engine.close()


async def kills(cluster: RayCluster, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What people see of a replica's end, and of the cluster's."""
    random, began = Random(options.seed), time.monotonic()
    async with TelegramServer() as telegram:
        crowd = Crowd(telegram, options.people, options.photos, options.seed)
        settings = {
            "INFERENCE_URL": f"{cluster.url}/two",
            "INFERENCE_TOKEN": cluster.token,
            "INFERENCE_SECONDS": str(ANSWER_SECONDS),
            "INFERENCE_PARALLEL": str(2 * ON_THE_WAY),
        }
        async with Program(telegram, folder, **settings) as program, asyncio.TaskGroup() as sending:
            await program.ready()
            for customer, item in crowd.items:
                sending.create_task(crowd.send(customer, item, random.uniform(0, options.photos / 10)))
            at_kills = [await answered(crowd, options.photos // 4)]
            random.choice(cluster.replicas("two")).kill()
            at_kills.append(await answered(crowd, options.photos // 2))
            await cluster.kill()
            await asyncio.sleep(AWAY_SECONDS)
            at_kills.append(await answered(crowd, 0))
            back = time.monotonic()
            await cluster.start()
            start_seconds = time.monotonic() - back
            await crowd.answered(quiet=120)
        crowd.count()
        return crowd.report() | {
            "answered_at_replica_kill": at_kills[0],
            "answered_at_cluster_kill": at_kills[1],
            "answered_at_cluster_start": at_kills[2],
            "cluster_start_seconds": round(start_seconds, 1),
            "address_given_up": program.logged("draws nothing for now"),
            "address_back": program.logged("draws again"),
            "drawn_again_by_studio": program.logged("it will be tried again"),
            "crashes": program.crashes,
            "violations": telegram.violations[:10],
            "seconds": round(time.monotonic() - began, 1),
            "seed": options.seed,
        }


async def answered(crowd: Crowd, photos: int) -> int:
    """Wait until so many are; how many are."""
    while True:
        crowd.count()
        if (now := crowd.report()["answered"]) >= photos:
            return now
        await asyncio.sleep(0.1)


def free_ports() -> tuple[int, int]:
    """Two that nobody has, of those that systems give away by themselves: Ray wants the lower ones for itself."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def chosen(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    options = parser(__doc__)
    given = options.parse_args(arguments)
    given.people = given.people or 20
    given.photos = given.photos or (60 if given.quick else 200)
    given.rounds = 1 if given.quick else 5
    return given


def main() -> int:
    options = chosen()
    if not ENVIRONMENT.exists():
        print(f"There is no {ENVIRONMENT.name} here yet. Make it with deploy/ray/make_env.sh, then try again.")
        return 2
    return run(soak, options)


if __name__ == "__main__":
    sys.exit(main())
