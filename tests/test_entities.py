"""The nouns: types as users give them, inventories, mentions."""

import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from helpers_e2e import offline_environment

from spanmatch.entities import Entity, EntityType, Inventory, Mention, as_entity_types, normalise, types_per_text


class TestEntityTypes:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Product_Name ", "product name"), ("Ｐerson", "person"), ("first-name", "First  Name")],
    )
    def test_names_that_are_one(self, one: str, other: str) -> None:
        assert normalise(one) == normalise(other)
        assert EntityType(name=one).key == EntityType(name=other).key

    def test_what_is_read_of_a_type(self) -> None:
        described = EntityType(name="city", description="where people live", aliases=("Town", "CITY"))
        assert (described.text, described.label) == ("city: where people live", "city")
        assert described.alias_keys == {"town"}, "its own name is none"
        assert EntityType(name="person", label="PER").text == "person"
        with pytest.raises(ValueError, match="needs a name"):
            EntityType(name="  ")

    @pytest.mark.parametrize(
        "given", [["person", "city"], {"person": "", "city": ""}, [EntityType(name="person"), "city"], ("person", "city")]
    )
    def test_the_forms_that_users_give(self, given: Any) -> None:
        assert as_entity_types(given) == (EntityType(name="person"), EntityType(name="city"))

    @pytest.mark.parametrize(
        ("given", "message"),
        [("person", r'write \["person"\]'), ([], "no entity types given"), (["city", "city"], "more than once: city")],
    )
    def test_what_is_refused(self, given: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            as_entity_types(given)

    def test_types_for_each_text(self) -> None:
        one, other = types_per_text([["person"], {"city": "where people live"}], 2)
        assert [item.name for item in (*one, *other)] == ["person", "city"]
        first, second = types_per_text(["person", "city"], 2)
        assert first is second, "one inventory for all"
        with pytest.raises(ValueError, match="2 lists of types for 3 texts"):
            types_per_text([["person"], ["city"]], 3)


class TestInventory:
    def test_equal_ones_are_one_key(self) -> None:
        types: Sequence[str] | Mapping[str, str] = {"person": "a human being", "city": ""}
        one, other = as_entity_types(types), as_entity_types(dict(types))
        assert one is not other and {one: 1}[other] == 1
        assert as_entity_types(["person", "city"]) not in {one: 1}
        assert one.texts == ("person: a human being", "city") and one.texts is one.texts

    def test_its_hash_is_computed_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counted: list[str] = []
        types = Inventory(EntityType(name=name) for name in "abc")
        monkeypatch.setattr(EntityType, "__hash__", lambda self: counted.append(self.name) or 0)
        assert hash(types) == hash(types) and counted == ["a", "b", "c"]

    def test_another_process_computes_its_own(self) -> None:
        """Hashes of texts differ from process to process: one that travelled along would find nothing."""
        types = as_entity_types(["person", "city"])
        hash(types)
        code = (
            "import pickle, sys\n"
            "from spanmatch.entities import as_entity_types\n"
            "came = pickle.loads(sys.stdin.buffer.read())\n"
            "print({as_entity_types(['person', 'city']): 1}[came], type(came).__name__)"
        )
        environment = offline_environment() | {"PYTHONHASHSEED": "7"}
        given = pickle.dumps(types)
        ended = subprocess.run([sys.executable, "-c", code], env=environment, input=given, capture_output=True, timeout=60)
        assert ended.stdout.split() == [b"1", b"Inventory"], ended.stderr


def test_spans_are_half_open_and_not_empty() -> None:
    assert Mention(start=0, end=1, label="x") < Mention(start=0, end=2, label="x") < Mention(start=1, end=2, label="a")
    for start, end in ((1, 1), (2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="0 <= start < end"):
            Mention(start=start, end=end, label="x")


def test_an_entity_without_its_score_is_a_mention() -> None:
    entity = Entity(start=1, end=3, label="person", text="Al", score=0.5)
    assert entity.mention == Mention(start=1, end=3, label="person")
