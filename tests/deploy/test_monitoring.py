"""The dashboard and the alarms ask for what the program really tells."""

import json
import re
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from core.config import Settings
from core.metrics import DONE, Metrics
from tests.deploy.files import DEPLOY, read_yaml

BOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "dashboards" / "cartoonbot.json").read_text(encoding="utf-8")
)
TARGETS = [target for panel in BOARD["panels"] for target in panel["targets"]]
RULES = [rule for group in read_yaml("alerts.yml")["groups"] for rule in group["rules"]]
EXPRESSIONS = [target["expr"] for target in TARGETS] + [rule["expr"] for rule in RULES]
# Prometheus' own: whether it reached the program, and the bounds of histograms.
OF_PROMETHEUS = {"le", "job", "instance"}


def told() -> tuple[set[str], set[str]]:
    """The names of all samples of a program that has drawn, and of their labels."""
    metrics = Metrics(lambda: 0, lambda: 0, lambda: 0)
    metrics.batch_drawn("ink", 1, 1.0)
    metrics.photo_settled(None, 1.0, 1.0)
    families = text_string_to_metric_families(metrics.exposition().decode())
    samples = [sample for family in families for sample in family.samples]
    return {sample.name for sample in samples}, {label for sample in samples for label in sample.labels}


def test_the_dashboard_and_the_alarms_name_only_what_is_told():
    names, labels = told()
    for expression in EXPRESSIONS:
        asked = set(re.findall(r"\bcartoonbot_\w+", expression))
        assert asked <= names, expression
        assert asked or expression.startswith("up{")
        grouped = re.findall(r"(?:by|ignoring) \(([^)]*)\)", expression)
        matched = re.findall(r"(\w+)!?=~?\"", expression)
        used = {name.strip() for group in grouped for name in group.split(",")} | {*matched}
        assert used <= labels | OF_PROMETHEUS, expression
        assert set(re.findall(r"outcome!?=\"(\w+)\"", expression)) <= {DONE}
    assert {word for target in TARGETS for word in re.findall(r"{{(\w+)}}", target["legendFormat"])} <= labels


def test_all_that_is_told_is_on_the_dashboard():
    names, _ = told()
    shown = " ".join(target["expr"] for target in TARGETS)
    families = {re.sub(r"_(bucket|count|sum|created|total)$", "", name) for name in names}
    assert [name for name in families if name not in shown] == []


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in BOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_dashboard_uses_the_source_that_is_set_up():
    (source,) = read_yaml("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert {target["datasource"]["uid"] for target in TARGETS} == {source["uid"]}


def test_alarms_are_loaded_and_say_what_to_do():
    config = read_yaml("prometheus.yml")
    assert config["rule_files"] == ["alerts.yml"]
    jobs = {scrape["job_name"] for scrape in config["scrape_configs"]}
    assert {job for expression in EXPRESSIONS for job in re.findall(r'job="(\w+)"', expression)} == jobs
    for rule in RULES:
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]


def test_the_alarm_of_the_spool_comes_before_photos_are_refused():
    (rule,) = (rule for rule in RULES if rule["alert"] == "CartoonbotSpoolNearlyFull")
    limit = Settings.model_fields["spool_megabytes"].default * 1e6
    assert float(rule["expr"].rpartition(">")[2]) == 0.8 * limit
