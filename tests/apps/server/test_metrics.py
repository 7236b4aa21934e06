"""What is counted, and how it is told."""

import os
import subprocess
import sys
from pathlib import Path

from helpers_e2e import offline_environment

from spanmatch.apps.server.metrics import FOLDER_VARIABLE, Metrics


def test_the_text_has_the_counts() -> None:
    metrics = Metrics()
    metrics.requests.labels("/predict/", "200").inc()
    metrics.texts.inc(3)
    with metrics.waiting.track_inprogress():
        text = metrics.text().decode()
    assert 'spanmatch_requests_total{path="/predict/",status="200"} 1.0' in text
    assert "spanmatch_texts_total 3.0" in text and "spanmatch_waiting_requests 1.0" in text
    assert "spanmatch_texts_total 0.0" in Metrics().text().decode()  # each server counts for itself


def test_processes_are_counted_together(tmp_path: Path) -> None:
    """prometheus_client looks at the environment when it is imported, so that this takes processes of their own."""
    program = "from spanmatch.apps.server.metrics import Metrics; m = Metrics(); m.texts.inc(2); print(m.text().decode())"
    environment = offline_environment() | {FOLDER_VARIABLE: str(tmp_path)}
    printed = [subprocess.check_output([sys.executable, "-c", program], env=environment, text=True) for _ in range(2)]
    assert "spanmatch_texts_total 2.0" in printed[0] and "spanmatch_texts_total 4.0" in printed[1]
    assert FOLDER_VARIABLE not in os.environ
