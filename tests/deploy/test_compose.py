"""compose.yaml: its services fit the image, the settings and each other."""

from typing import Any

import pytest

from core.config import Settings
from tests.deploy.files import DEPLOY, image_environment, read_yaml

COMPOSE = read_yaml("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}


def volumes_of(service: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(row.split(":")[:2]) for row in service["volumes"]]  # type: ignore[misc]


def test_one_command_starts_the_bot_alone_and_profiles_add_to_it():
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        "bot": None,
        "bot-api": ["bot-api"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_comes_back_keeps_its_log_small_and_its_privileges_few(name: str):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    _, _, tag = service["image"].partition(":")
    assert "build" in service or (tag and tag != "latest")


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_open_to_other_machines(name: str):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_each_file_and_volume_is_there(name: str):
    for source, _ in volumes_of(SERVICES[name]):
        assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_each_volume_is_used():
    used = {source for service in SERVICES.values() for source, _ in volumes_of(service)}
    assert set(COMPOSE["volumes"]) <= used


def test_the_bot_is_built_from_the_dockerfile_and_keeps_what_the_image_sets():
    bot = SERVICES["bot"]
    assert (DEPLOY / bot["build"]["context"] / bot["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    environment = bot["environment"]
    image = {name: value for name, value in image_environment().items() if name.lower() in DEFAULTS}
    # .env would win over the image, and .env.example holds defaults for a program outside of a container.
    assert environment == image
    mounted = [target for _, target in volumes_of(bot)]
    assert {environment["DATA_DIR"], environment["WEIGHTS_DIR"]} <= set(mounted)
    assert bot["ports"] == [f"127.0.0.1:{environment['WEB_PORT']}:{environment['WEB_PORT']}"]


def test_a_stop_waits_longer_than_the_program_takes():
    assert float(SERVICES["bot"]["stop_grace_period"].removesuffix("s")) > DEFAULTS["shutdown_seconds"]


def test_the_bot_sees_the_files_of_the_bot_api_server_under_the_same_path():
    shared = [row for row in volumes_of(SERVICES["bot-api"]) if row[0] == "bot-api"]
    assert shared
    assert shared[0] in volumes_of(SERVICES["bot"])


def test_the_gpu_is_added_to_the_bot():
    assert set(read_yaml("compose.gpu.yaml")["services"]) <= set(SERVICES)


def test_prometheus_and_grafana_find_each_other_and_the_bot():
    (scrape,) = read_yaml("prometheus.yml")["scrape_configs"]
    (target,) = scrape["static_configs"][0]["targets"]
    assert target == f"bot:{SERVICES['bot']['environment']['METRICS_PORT']}"
    (source,) = read_yaml("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read_yaml("grafana/provisioning/dashboards/cartoonbot.yml")["providers"]
    assert provider["options"]["path"] in [target for _, target in volumes_of(SERVICES["grafana"])]
