"""What a server counts, for Prometheus."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Where this names a folder, prometheus_client keeps the counts of all processes in it.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Counts requests, texts and entities, and how long requests take. Each server has its own registry.

    Attributes:
        requests: answers, by path and status.
        seconds: how long requests took, by path.
        texts: texts that were tagged.
        entities: entities that were found.
        waiting: requests that wait or are being tagged.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self.requests = Counter("spanmatch_requests", "Answers.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram(
            "spanmatch_request_seconds", "Seconds until the answer.", ["path"], buckets=SECONDS, registry=self._registry
        )
        self.texts = Counter("spanmatch_texts", "Texts that were tagged.", registry=self._registry)
        self.entities = Counter("spanmatch_entities", "Entities that were found.", registry=self._registry)
        self.waiting = Gauge(
            "spanmatch_waiting_requests",
            "Requests that wait or are being tagged.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus, of all processes of the server."""
        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
