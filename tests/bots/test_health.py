"""What watchers ask, over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bots.health import HealthServer
from core.errors import ConfigError
from core.metrics import Metrics

HOST = "127.0.0.1"


class Program:
    """What the server asks: counts, and troubles that a test can make."""

    def __init__(self) -> None:
        self.metrics = Metrics(lambda: 2, lambda: 0, lambda: 0)
        self.troubles: list[str] = []

    async def examine(self) -> Sequence[str]:
        return self.troubles

    def server(self, host: str = HOST, port: int = 0) -> HealthServer:
        return HealthServer(host, port, self.metrics.exposition, self.examine)


@asynccontextmanager
async def asking(server: HealthServer) -> AsyncGenerator[httpx.AsyncClient]:
    run = asyncio.create_task(server.run())
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait([run, ready], return_when=asyncio.FIRST_COMPLETED)
    try:
        if run.done():
            run.result()
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            yield client
    finally:
        ready.cancel()
        run.cancel()
        await asyncio.wait([run])


async def test_it_lives_and_is_ready_until_something_is_in_the_way():
    program = Program()
    async with asking(program.server()) as client:
        alive = await client.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "troubles": []})
        program.troubles = ["The data folder is full. Free some space."]
        unready = await client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json() == {"status": "not ready", "troubles": program.troubles}
        assert (await client.get("/healthz")).status_code == 200
        program.troubles = []
        assert (await client.get("/readyz")).status_code == 200


async def test_prometheus_reads_the_counts():
    program = Program()
    async with asking(program.server()) as client:
        program.metrics.delivered(3)
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["cartoonbot_photos_delivered"].samples[0].value == 3
    assert families["cartoonbot_waiting_photos"].samples[0].value == 2


async def test_an_examination_that_breaks_is_not_ready_and_goes_the_way_of_all_logs(
    caplog: pytest.LogCaptureFixture,
):
    async def broken() -> Sequence[str]:
        raise RuntimeError("the database is gone")

    async with asking(HealthServer(HOST, 0, bytes, broken)) as client:
        assert (await client.get("/readyz")).status_code == 500
        assert (await client.get("/healthz")).status_code == 200
    assert "the database is gone" in caplog.text


async def test_there_is_nothing_else_to_ask_and_nothing_to_change():
    async with asking(Program().server()) as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.post("/healthz")).status_code == 405


async def test_a_stopped_server_is_not_ready_and_leaves_its_port():
    server = Program().server()
    async with asking(server) as client:
        assert (await client.get("/healthz")).status_code == 200
        port = int(server.url.rsplit(":", 1)[1])
    assert not server.ready.is_set()
    async with asking(Program().server(port=port)) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_a_taken_port_names_the_setting_to_change():
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {port} on {HOST} is taken.*Set METRICS_PORT"):
            await Program().server(port=port).run()


async def test_an_address_of_another_machine_names_the_setting_to_change():
    # 192.0.2.0/24 is for documentation; nobody has it.
    with pytest.raises(ConfigError, match="METRICS_HOST to an address of this machine"):
        await Program().server(host="192.0.2.1").run()


async def test_an_ipv6_address_is_served_and_told_as_a_browser_wants_it():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = Program().server(host="::1")
    async with asking(server) as client:
        assert server.url.startswith("http://[::1]:")
        assert (await client.get("/healthz")).json() == {"status": "ok"}
