"""What Prometheus may ask: photos settled, batches drawn, photos waiting."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counts for one program run, in a registry of its own. `waiting` reads the queue's length."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._photos = Counter(
            "cartoonbot_photos", "Photos settled, by outcome", ["outcome"], registry=self._registry
        )
        self._batch_photos = Histogram(
            "cartoonbot_batch_photos",
            "Photos in a micro-batch",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self._registry,
        )
        self._batch_seconds = Histogram(
            "cartoonbot_batch_seconds", "Seconds the device took for a micro-batch", registry=self._registry
        )
        Gauge("cartoonbot_waiting_photos", "Photos in the queue", registry=self._registry).set_function(waiting)

    def batch_drawn(self, photos: int, seconds: float) -> None:
        self._batch_photos.observe(photos)
        self._batch_seconds.observe(seconds)

    def photo_settled(self, done: bool) -> None:
        self._photos.labels("done" if done else "failed").inc()

    def exposition(self) -> bytes:
        """The counts in Prometheus' text format."""
        return generate_latest(self._registry)
