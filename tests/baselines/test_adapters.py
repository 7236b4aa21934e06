"""Adapters over one base model: loaded once, switched at each prediction, the same as when they are merged."""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers_baselines import fit
from helpers_e2e import sentences, write_jsonl

from spanmatch.apps.server.options import ServeOptions
from spanmatch.apps.server.serve import load_app
from spanmatch.baselines.adapters import AdaptedClassifier, Base
from spanmatch.baselines.token_classifier import TokenClassifier
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import load_tagger

TEXTS = ["Ada Lovelace works for Globex in Lima .", "Yesterday Hooli hired Bob .", "It rained again in Oslo ."]


@pytest.fixture(scope="module")
def folders(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two trainings of adapters over one encoder: all three types, and cities alone under another name."""
    place = tmp_path_factory.mktemp("adapters")
    rows = sentences(200)
    towns = [
        {"text": row["text"], "char_spans": [span | {"label": "town"} for span in row["char_spans"] if span["label"] == "city"]}
        for row in rows
    ]
    found = {}
    for name, data in (("all", rows), ("towns", towns)):
        file = write_jsonl(place / f"{name}.jsonl", data)
        flags = {"lora_rank": 8, "learning_rate": 1e-2, "num_train_epochs": 6, "train_file": file}
        result = fit("token", place / name, model=encoder_folders["WordPiece"], **flags)
        assert result.status == 0, result.err
        found[name] = place / name
    return found


def test_each_is_as_it_is_when_merged(folders: dict[str, Path]) -> None:
    adapted = {name: load_tagger(folder / "adapter", device="cpu", dtype="float32") for name, folder in folders.items()}
    merged = {name: load_tagger(folder, device="cpu", dtype="float32") for name, folder in folders.items()}
    for _ in range(2):  # they are switched back and forth
        for name, tagger in adapted.items():
            assert isinstance(tagger, AdaptedClassifier) and isinstance(merged[name], TokenClassifier)
            assert tagger.types == merged[name].types
            found, expected = (one.predict(TEXTS, tagger.types or ()) for one in (tagger, merged[name]))
            assert any(expected)
            for own, other in zip(found, expected, strict=True):
                assert [(item.start, item.end, item.label) for item in own] == [
                    (item.start, item.end, item.label) for item in other
                ]
                assert [item.score for item in own] == pytest.approx([item.score for item in other], abs=1e-4)
    assert adapted["all"].fingerprint() != adapted["towns"].fingerprint()


def test_the_base_is_in_memory_once(folders: dict[str, Path]) -> None:
    one, other = (
        AdaptedClassifier.from_pretrained(folder / "adapter", device="cpu", dtype="float32") for folder in folders.values()
    )
    again = AdaptedClassifier.from_pretrained(folders["all"] / "adapter", device="cpu", dtype="bfloat16")
    assert one.model._base is other.model._base is not again.model._base
    del one, other, again
    gc.collect()
    assert not len(Base._loaded), "nothing keeps a base that nobody uses"


def test_several_threads_each_get_their_own(folders: dict[str, Path]) -> None:
    taggers = [load_tagger(folder / "adapter", device="cpu", dtype="float32") for folder in folders.values()]
    alone = [tagger.predict(TEXTS, tagger.types or ()) for tagger in taggers]
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            (place % 2, pool.submit(taggers[place % 2].predict, TEXTS, taggers[place % 2].types or ())) for place in range(20)
        ]
        for place, job in jobs:
            assert [[item.mention for item in own] for own in job.result()] == [
                [item.mention for item in own] for own in alone[place]
            ]


def test_a_server_switches_between_them(folders: dict[str, Path]) -> None:
    options = ServeOptions(
        model=str(folders["all"] / "adapter"), models=[f"towns={folders['towns'] / 'adapter'}"], device="cpu", dtype="float32"
    )
    with TestClient(load_app(options)) as client:
        names = [(item["name"], item["types"]) for item in client.get("/models").json()]
        assert names == [(options.model, ["city", "company", "person"]), ("towns", ["town"])]
        for model, label in ((None, "city"), ("towns", "town"), (None, "city")):
            answer = client.post("/predict/", json={"text": TEXTS[2], **({"model": model} if model else {})})
            assert [(item["word"], item["entity_group"]) for item in answer.json()["entities"]] == [("Oslo", label)]
        wrong = client.post("/predict/", json={"text": TEXTS[2], "model": "town"})
        assert wrong.status_code == 422 and 'no model "town" here; did you mean "towns"?' in wrong.json()["error"]


@pytest.mark.parametrize(("models", "message"), [(["x"], "expected NAME=MODEL"), (["a=b", "a=c"], 'two models are called "a"')])
def test_models_without_a_name_of_their_own(models: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ServeOptions(models=models)


def test_broken_adapters(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in (folders["all"] / "adapter").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "adapter_model.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="adapters that cannot be loaded"):
        load_tagger(tmp_path)
    with pytest.raises(InputError, match="are not compiled"):
        AdaptedClassifier.from_pretrained(folders["all"] / "adapter", compile=True)
