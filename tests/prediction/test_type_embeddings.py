"""Type embeddings: written and read, and refused by other models."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import EVERYTHING, TEXTS, TYPES, assert_same, make_example, make_matcher, scores_of
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from spanmatch.entities import EntityType, as_entity_types, is_blank
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings

TEXT = TEXTS["plain"]
DESCRIBED = [
    EntityType(name="person", description="a human being", aliases=("human", "Mensch"), label="PER"),
    EntityType(name="città", description="où l'on vit: 東京, กรุงเทพ, 👩‍💻"),
    EntityType(name="company", aliases=("firm",)),
    EntityType(name="product", label="PROD"),
]


@pytest.fixture(scope="module")
def checkpoint(matcher: SpanMatcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, saved."""
    folder = tmp_path_factory.mktemp("checkpoint")
    matcher.save_pretrained(folder)
    return folder


class TestFile:
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_saved_is_loaded(self, dtype: str, checkpoint: Path, tmp_path: Path) -> None:
        """To the bit, in the type that it was computed in; nothing else is left in the folder."""
        matcher = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype=dtype)
        made = matcher.encode_types(DESCRIBED)
        made.save(tmp_path / "types.safetensors")
        loaded = TypeEmbeddings.load(tmp_path / "types.safetensors")
        assert loaded.types == made.types == tuple(DESCRIBED)
        assert [item.alias_keys for item in loaded.types] == [item.alias_keys for item in DESCRIBED]
        assert loaded.embeddings.dtype == getattr(torch, dtype) and torch.equal(loaded.embeddings, made.embeddings)
        assert loaded.digest == made.digest
        assert matcher.predict(TEXT, loaded) == matcher.predict(TEXT, made)
        assert [path.name for path in tmp_path.iterdir()] == ["types.safetensors"]

    @given(
        st.lists(
            st.builds(
                EntityType,
                name=st.text(min_size=1).filter(lambda name: not is_blank(name)),
                description=st.text(),
                aliases=st.lists(st.text(min_size=1), max_size=3).map(tuple),
                label=st.text(),
            ),
            max_size=4,
        )
    )
    def test_any_types(self, tmp_path_factory: pytest.TempPathFactory, types: list[EntityType]) -> None:
        file = tmp_path_factory.mktemp("types") / "types"
        made = TypeEmbeddings(types=tuple(types), embeddings=torch.randn(len(types), 3), digest="0")
        made.save(str(file))
        loaded = TypeEmbeddings.load(str(file))
        assert loaded.types == made.types and torch.equal(loaded.embeddings, made.embeddings)

    def test_a_second_time(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        """What was there is replaced, also what an interrupted writing left."""
        file = tmp_path / "types.safetensors"
        matcher.encode_types(["person"]).save(file)
        (tmp_path / "types.safetensors.partial").write_bytes(b"half")
        matcher.encode_types(TYPES).save(file)
        assert len(TypeEmbeddings.load(file).types) == 3
        assert [path.name for path in tmp_path.iterdir()] == ["types.safetensors"]

    def test_interrupted(self, matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... does not touch what was there."""
        file = tmp_path / "types.safetensors"
        matcher.encode_types(["person"]).save(file)

        def interrupted(tensors: Any, name: Path, metadata: Any) -> None:
            Path(name).write_bytes(b"half")
            raise KeyboardInterrupt

        monkeypatch.setattr("safetensors.torch.save_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            matcher.encode_types(TYPES).save(file)
        assert [item.name for item in TypeEmbeddings.load(file).types] == ["person"]

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            ("missing", "no such file; write it with encode_types"),
            ("weights", "no type embeddings .*; write them with encode_types"),
            ("embeddings alone", "no type embeddings .*; write them with encode_types"),
            ("types of another version", "no type embeddings .*; write them with encode_types"),
            ("text", "no type embeddings .*; write them with encode_types"),
            ("empty", "no type embeddings .*; write them with encode_types"),
            ("cut off", "no type embeddings .*; write them with encode_types"),
            ("folder", "write (it|them) with encode_types"),
        ],
    )
    def test_another_file(self, kind: str, message: str, matcher: SpanMatcher, checkpoint: Path, tmp_path: Path) -> None:
        file = tmp_path / "types.safetensors"
        if kind == "weights":
            file = checkpoint / "model.safetensors"
        elif kind == "embeddings alone":
            save_file({"embeddings": torch.zeros(2, 3)}, file)
        elif kind == "types of another version":
            metadata = {"spanmatch_types": json.dumps([{"name": "person", "colour": "red"}]), "digest": "0"}
            save_file({"embeddings": torch.zeros(1, 3)}, file, metadata=metadata)
        elif kind == "text":
            file.write_text("person\ncity\n", encoding="utf-8")
        elif kind == "empty":
            file.touch()
        elif kind == "cut off":
            matcher.encode_types(TYPES).save(file)
            file.write_bytes(file.read_bytes()[:-8])
        elif kind == "folder":
            file.mkdir()
        with pytest.raises(InputError, match=message) as caught:
            TypeEmbeddings.load(file)
        assert str(file) in str(caught.value) and "\n" not in str(caught.value)


class TestWhose:
    """Embeddings are of one model."""

    @pytest.mark.parametrize("encoded_in", ["float32", "bfloat16"])
    @pytest.mark.parametrize("used_in", ["float32", "bfloat16"])
    def test_in_another_precision(self, encoded_in: str, used_in: str, checkpoint: Path) -> None:
        types = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype=encoded_in).encode_types(TYPES)
        user = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype=used_in)
        found = scores_of(user.predict(TEXT, types, threshold=EVERYTHING, overlap="multi-label"))
        own = scores_of(user.predict(TEXT, TYPES, threshold=EVERYTHING, overlap="multi-label"))
        assert found.keys() == own.keys() and len(found) > 40
        assert list(found.values()) == pytest.approx([own[key] for key in found], rel=0, abs=0.03)

    @pytest.mark.parametrize("change", ["encoder", "type_proj", "scale", "pooling", "max_type_length"])
    def test_of_another_model(self, change: str, matcher: SpanMatcher, checkpoint: Path, tmp_path: Path) -> None:
        types = matcher.encode_types(TYPES)
        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
        weights = load_file(checkpoint / "model.safetensors")
        changed = {"encoder": "text_encoder.encoder.layer.1.output.dense.weight", "type_proj": "head.type_proj.bias"}
        if change in changed:
            weights[changed[change]].view(-1)[0] += 1
        elif change == "scale":
            weights["head.scale"] *= 2
        elif change == "pooling":
            config["type_pooling"] = "cls"
        else:
            config["max_type_length"] = 9
        matcher.save_pretrained(tmp_path)
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file(weights, tmp_path / "model.safetensors")
        other = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        with pytest.raises(InputError, match="those of another model; encode the types again with this one"):
            other.predict(TEXT, types)
        assert other.predict(TEXT, other.encode_types(TYPES)) == other.predict(TEXT, TYPES)

    def test_after_a_step_of_training(self, tiny_matcher: SpanMatcher) -> None:
        types = tiny_matcher.encode_types(TYPES)
        assert tiny_matcher.predict(TEXT, types) == tiny_matcher.predict(TEXT, TYPES)
        with torch.no_grad():
            tiny_matcher.model.head.type_proj.weight.mul_(2)
        with pytest.raises(InputError, match="those of another model"):
            tiny_matcher.predict(TEXT, types)

    def test_a_cross_encoder_has_none(self, tiny_encoder: Path, matcher: SpanMatcher) -> None:
        cross = make_matcher(tiny_encoder, "cross")
        with pytest.raises(InputError, match=r"a cross-encoder reads types with each text.*pass them to predict"):
            cross.encode_types(TYPES)
        with pytest.raises(InputError, match=r"a cross-encoder reads types with each text.*pass the types"):
            cross.predict(TEXT, matcher.encode_types(TYPES))

    def test_other_types_are_encoded(self, matcher: SpanMatcher) -> None:
        """Embeddings that a matcher was prepared with serve their very types; others are found as ever."""
        matcher.prepare(as_entity_types([*TYPES, "company", "animal"]))
        options: dict[str, Any] = {"threshold": EVERYTHING, "overlap": "multi-label"}
        for chosen in (["animal", "person", TYPES[2]], ["animal", "company", *TYPES[::-1]], [*TYPES]):
            types = as_entity_types(chosen)
            fresh = SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer)
            [found] = matcher.stream([make_example(TEXT, (), types)], **options)
            assert_same([scores_of(found)], [scores_of(fresh.predict(TEXT, types, **options))])
