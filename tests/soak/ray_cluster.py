"""Ray on this machine, in processes that can be killed, with the deployment of deploy/ray."""

import asyncio
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import psutil

from tests.soak.program import ROOT

# Made by deploy/ray/make_env.sh.
ENVIRONMENT: Final = ROOT / ".ray-env"
START_SECONDS: Final = 120.0
END_SECONDS: Final = 20.0
OBJECT_STORE_BYTES: Final = 200_000_000


class RayCluster:
    """So many nodes, each with two processors to give away, and applications on them, while entered.

    `applications` are those of serve.yaml; `url` is where their prefixes begin, also after a new start.
    """

    def __init__(
        self, folder: Path, nodes: int, ports: tuple[int, int], applications: Sequence[Mapping[str, Any]]
    ):
        self._folder = folder
        self._nodes = nodes
        self._port, http_port = ports
        self._applications = applications
        self.url = f"http://127.0.0.1:{http_port}"
        self.token = secrets.token_hex(16)
        self._started: list[asyncio.subprocess.Process] = []
        folder.mkdir()
        self._config = folder / "serve.yaml"
        # JSON is YAML.
        self._config.write_text(
            json.dumps(
                {
                    "proxy_location": "HeadOnly",
                    "http_options": {"host": "127.0.0.1", "port": http_port},
                    "applications": applications,
                }
            )
        )

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Until all replicas draw. Raises TimeoutError."""
        head = ("--head", f"--port={self._port}", "--include-dashboard=false", f"--temp-dir={self._folder}")
        for role in (head, *[(f"--address=127.0.0.1:{self._port}",)] * (self._nodes - 1)):
            log = self._folder / f"node-{len(self._started)}.log"
            self._started.append(
                await self._run(
                    log,
                    *("ray", "start", *role, "--num-cpus=2", f"--object-store-memory={OBJECT_STORE_BYTES}"),
                    *("--disable-usage-stats", "--block"),
                )
            )
            await _until(lambda log=log: "Ray runtime started" in log.read_text(), log)
        log = self._folder / "serve.log"
        deploying = await self._run(
            log, "serve", "run", "--non-blocking", f"--address=127.0.0.1:{self._port}", str(self._config)
        )
        if await deploying.wait():
            raise RuntimeError(f"serve run failed:\n{log.read_text()[-4000:]}")
        replicas = sum(each["deployments"][0]["num_replicas"] for each in self._applications)
        await _until(lambda: len(self.replicas()) == replicas and self._answers(), log)

    async def kill(self) -> None:
        """SIGKILL all of Ray, and wait until nothing is left."""
        doomed = self._processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for started in self._started:
            await started.wait()
        await asyncio.to_thread(psutil.wait_procs, [each for each in doomed if each.is_running()], END_SECONDS)
        self._started.clear()

    def replicas(self, application: str = "") -> list[psutil.Process]:
        """The processes of replicas that are ready."""
        title = re.compile(rf"ray::ServeReplica:{application or '[^:]+'}:Cartoonbot\s*")
        return [process for process in self._processes() if title.fullmatch(" ".join(_words(process)))]

    async def _run(self, log: Path, command: str, *arguments: str) -> asyncio.subprocess.Process:
        with log.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                ENVIRONMENT / "bin" / command,
                *arguments,
                cwd=self._folder,
                env=os.environ
                | {
                    "RAY_USAGE_STATS_ENABLED": "0",
                    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",
                    "PYTHONPATH": str(ROOT),
                    "INFERENCE_TOKEN": self.token,
                    "OMP_NUM_THREADS": "1",
                },
                stdout=output,
                stderr=output,
                # A key pressed for the test is none for Ray.
                start_new_session=True,
            )

    def _processes(self) -> list[psutil.Process]:
        """What was started here and lives, and all its children."""
        found: list[psutil.Process] = []
        for started in self._started:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(started.pid)
                found += [process, *process.children(recursive=True)]
        return found

    def _answers(self) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answers = [
                httpx.get(f"{self.url}{each['route_prefix']}/healthz", headers=headers)
                for each in self._applications
            ]
        except httpx.HTTPError:
            return False
        return all(answer.status_code == 200 for answer in answers)


async def _until(met: Callable[[], bool], log: Path) -> None:
    """Raises TimeoutError with the end of the log."""

    def wait() -> None:
        deadline = time.monotonic() + START_SECONDS
        while not met():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Ray does not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.2)

    await asyncio.to_thread(wait)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
