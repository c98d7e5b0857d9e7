"""What Prometheus is told, read back with its own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.metrics import Metrics


class Gauges:
    """Readings that a test can change."""

    waiting = 3
    spool = 2_000_000
    device = 0

    def metrics(self) -> Metrics:
        return Metrics(lambda: self.waiting, lambda: self.spool, lambda: self.device)


@pytest.fixture
def gauges() -> Gauges:
    return Gauges()


def samples(metrics: Metrics) -> dict[str, float]:
    """Each sample by its name with its labels: `x_total{outcome=done}`."""
    read: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            read[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return read


def test_gauges_are_read_anew_each_time(gauges: Gauges):
    metrics = gauges.metrics()
    assert samples(metrics)["cartoonbot_waiting_photos"] == 3
    gauges.waiting, gauges.spool, gauges.device = 0, 5, 7
    read = samples(metrics)
    assert read["cartoonbot_waiting_photos"] == 0
    assert read["cartoonbot_spool_bytes"] == 5
    assert read["cartoonbot_device_memory_bytes"] == 7


def test_photos_are_counted_by_what_became_of_them(gauges: Gauges):
    metrics = gauges.metrics()
    metrics.photo_settled(None, waited=0.3, served=2.0)
    metrics.photo_settled(None, waited=700.0, served=0.2)
    metrics.photo_settled("photo-truncated", waited=4.0, served=0.0)
    read = samples(metrics)
    assert read["cartoonbot_photos_settled_total{outcome=done}"] == 2
    assert read["cartoonbot_photos_settled_total{outcome=photo-truncated}"] == 1
    assert (metrics.drawn, metrics.failed) == (2, 1)
    assert read["cartoonbot_photo_waited_seconds_count"] == 3
    assert read["cartoonbot_photo_waited_seconds_bucket{le=0.5}"] == 1
    assert read["cartoonbot_photo_waited_seconds_bucket{le=600.0}"] == 2
    assert read["cartoonbot_photo_waited_seconds_bucket{le=1800.0}"] == 3
    # A photo that failed says nothing of how long drawing takes.
    assert read["cartoonbot_photo_served_seconds_count"] == 2
    assert read["cartoonbot_photo_served_seconds_sum"] == pytest.approx(2.2)


def test_batches_are_measured_by_style(gauges: Gauges):
    metrics = gauges.metrics()
    metrics.batch_drawn("ink", 4, 1.5)
    metrics.batch_drawn("anime", 1, 0.2)
    read = samples(metrics)
    assert read["cartoonbot_batch_photos_sum{style=ink}"] == 4
    assert read["cartoonbot_batch_photos_bucket{le=2.0,style=ink}"] == 0
    assert read["cartoonbot_batch_photos_bucket{le=4.0,style=ink}"] == 1
    assert read["cartoonbot_batch_seconds_sum{style=ink}"] == 1.5
    assert read["cartoonbot_batch_seconds_sum{style=anime}"] == 0.2


def test_failures_delivery_and_the_loops_lag(gauges: Gauges):
    metrics = gauges.metrics()
    metrics.batch_failed("stuck")
    metrics.delivered(10)
    metrics.delivered(2)
    metrics.loop_lagged(0.03)
    read = samples(metrics)
    assert read["cartoonbot_batch_failures_total{reason=stuck}"] == 1
    assert read["cartoonbot_batch_failures_total{reason=out-of-memory}"] == 0
    assert read["cartoonbot_photos_delivered_total"] == 12
    assert read["cartoonbot_event_loop_lag_seconds_bucket{le=0.025}"] == 0
    assert read["cartoonbot_event_loop_lag_seconds_bucket{le=0.05}"] == 1


def test_two_runs_in_one_process_do_not_share_counts(gauges: Gauges):
    first, second = gauges.metrics(), gauges.metrics()
    first.delivered(1)
    assert samples(second)["cartoonbot_photos_delivered_total"] == 0
