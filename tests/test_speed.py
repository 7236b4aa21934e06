"""The speed benchmark's own arithmetic: types, merging, targets, offsets."""

import sys
from pathlib import Path
from typing import Any

import pytest
from speed_bench import wrong_offsets
from speed_report import public, quantile, targets_table, words_per_second
from speed_systems import BI, BI_GLINER, CROSS, ENCODER, UNI_GLINER

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks" / "peers"))
from protocol import calibrate, chunks


class Thresholded:
    """A tagger with one score per text and type."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores
        self.threshold = 0.0
        self.most = 0

    def set_types(self, types: list[str]) -> None:
        """Unused."""

    def set_threshold(self, value: float) -> None:
        """Keep it."""
        self.threshold = value

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[list[Any]]]:
        """Each score above the threshold is an entity."""
        found: list[list[Any]] = [[0, 1, "x"] for score in self.scores if score > self.threshold]
        self.most = max(self.most, len(found))
        return [found for _ in texts]

    def share_read(self, texts: list[str]) -> float:
        """Unused."""
        return 1.0


class Letters:
    """A tokenizer with a token per letter."""

    def encode(self, text: str, add_special_tokens: bool) -> list[str]:
        """The letters."""
        assert not add_special_tokens
        return list(text)


def test_a_threshold_is_found_from_above() -> None:
    tagger = Thresholded([-1 - index / 10 for index in range(100)])
    found = calibrate(tagger, ["a", "b"], per_text=3, high=8, step=2, finest=0.001)
    assert 2 <= found["entities_per_text"] <= 3 and tagger.threshold == found["threshold"]
    assert tagger.most < 30, "most entities were never found"


def test_scores_that_are_all_alike_pass_together() -> None:
    tagger = Thresholded([0.123456] * 25)
    assert calibrate(tagger, ["a"], per_text=2, high=8, step=2, finest=0.001)["entities_per_text"] == 25


@pytest.mark.parametrize(("room", "sizes"), [(100, [7]), (12, [4, 3]), (6, [2, 2, 2, 1]), (1, [1] * 7)])
def test_types_are_cut_into_even_runs(room: int, sizes: list[int]) -> None:
    types = ["ab"] * 7
    runs = chunks(types, Letters(), room=room, marker_tokens=1)
    assert [len(run) for run in runs] == sizes and [name for run in runs for name in run] == types


def test_offsets_outside_a_text_are_found() -> None:
    assert wrong_offsets(["abc", "d"], [[[0, 3, "x"]], [[0, 1, "y"]]]) == []
    for wrong in ([0, 4, "x"], [2, 2, "x"], [-1, 2, "x"]):
        assert wrong_offsets(["abc"], [[wrong]]) == [wrong]


def test_no_folder_of_the_machine_is_written() -> None:
    assert public(["--parts", "types", "--models", "/home/x", "--texts", "3"]) == ["--parts", "types", "--texts", "3"]


def test_only_words_that_are_read_count() -> None:
    assert words_per_second({"num_words": 100, "share_read": 0.2, "seconds": [1.0, 2.0, 4.0]}) == 10


def test_quantiles() -> None:
    assert quantile([3, 1, 2], 0.5) == 2 and quantile([0, 10], 0.95) == 9.5


def test_merging_keeps_what_is_not_measured_anew() -> None:
    from speed import merge

    old = {"tagging": {"a": {"5": {"x": {"seconds": [1]}, "y": {"skipped": "slow"}}}}, "types": {"z": 1}}
    new = {"tagging": {"a": {"5": {"y": {"seconds": [2], "num_texts": 1}}, "25": {}}}}
    assert merge(old, new) == {
        "tagging": {"a": {"5": {"x": {"seconds": [1]}, "y": {"seconds": [2], "num_texts": 1}}, "25": {}}},
        "types": {"z": 1},
    }


def test_targets_are_judged() -> None:
    cells = {
        BI: {"seconds": [1.0], "num_texts": 100, "encoder_share": [0.84]},
        CROSS: {"seconds": [2.0], "num_texts": 100},
        UNI_GLINER: {"seconds": [10.0], "num_texts": 100},
        BI_GLINER: {"seconds": [4.0], "num_texts": 50},
        ENCODER: {"seconds": [0.8], "num_texts": 100},
    }
    lines = targets_table({"tagging": {"conll2003": {"25": cells}}, "latency": {BI: [1.0], BI_GLINER: [4.0]}})
    judged = {line.split(" | ")[0].removeprefix("| "): line.split(" | ")[1:3] for line in lines}
    assert judged["bi-encoder, 25 types, of the encoder alone >= 85.0%"] == ["84.0%", "**no**"]
    assert judged["bi-encoder to GLiNER uni-encoder, 25 types >= 8.0x"] == ["10.0x", "yes"]
    assert judged["bi-encoder to GLiNER bi-encoder, 25 types >= 6.0x"] == ["8.0x", "yes"]
    assert judged["cross-encoder to GLiNER uni-encoder, 25 types >= 2.5x"] == ["5.0x", "yes"]
    assert judged["latency, 25 types, to GLiNER bi-encoder <= 0.25"] == ["0.25", "yes"]
    assert judged["bi-encoder, 1,000 types, of the encoder alone"][0] == "not measured"


def test_names_of_types_are_distinct(tmp_path: Path) -> None:
    from speed_data import type_names

    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "labels.json").write_text('{"A": {"name": "Alpha"}, "B": {"name": "beta"}, "P": {"name": "person"}}')
    names = type_names(tmp_path, 3000, seed=0)
    assert len(names) == len(set(names)) == 3000
    assert names[:4] == ["person", "organization", "location", "miscellaneous"] and set(names[4:6]) == {"alpha", "beta"}
    assert type_names(tmp_path, 5, seed=0) == names[:5]
