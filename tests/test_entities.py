"""The nouns: types as users give them, inventories, mentions."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from helpers_e2e import offline_environment
from hypothesis import given as drawn
from hypothesis import strategies as st

from spanmatch.entities import (
    MAX_REMEMBERED,
    Entity,
    EntityType,
    Inventory,
    Mention,
    as_entity_types,
    as_texts,
    normalise,
    types_per_text,
)
from spanmatch.errors import InputError


class TestEntityTypes:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Product_Name ", "product name"),
            ("Ｐerson", "person"),
            ("first-name", "First  Name"),
            ("first\u2011name", "first name"),
            ("\ufeffper\u00adson", "person"),
            ("STRASSE", "straße"),
        ],
    )
    def test_names_that_are_one(self, one: str, other: str) -> None:
        assert normalise(one) == normalise(other)
        assert EntityType(name=one).key == EntityType(name=other).key

    @drawn(st.text())
    def test_a_normalised_name_is_normalised(self, name: str) -> None:
        """So a name that was stored is the one that is asked for."""
        assert normalise(normalise(name)) == normalise(name)

    @pytest.mark.parametrize("names", [("-", "_"), ("-", "--"), ("person", "persons"), ("c", "c++")])
    def test_names_that_are_two(self, names: tuple[str, str]) -> None:
        assert len({normalise(name) for name in names}) == 2

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"name": ""}, "needs a name"),
            ({"name": "\u200b"}, "needs a name"),
            ({"name": "\ufeff \u00ad"}, "needs a name"),
            ({"name": None}, "must be a text (str), got None"),
            ({"name": 3}, "must be a text (str), got '3' (int)"),
            ({"name": "a", "description": float("nan")}, "must be a text (str), got 'nan' (float)"),
            ({"name": "a", "aliases": "abc"}, 'aliases must be several texts, got the text "abc"; write ("abc",)'),
            ({"name": "a", "aliases": (None,)}, "must be a text (str), got None"),
            ({"name": "a\ud800"}, "holds a lone surrogate (\\ud800)"),
        ],
    )
    def test_what_is_no_type(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError) as caught:
            EntityType(**given)
        assert message in str(caught.value)

    def test_what_is_read_of_a_type(self) -> None:
        described = EntityType(name="city", description="where people live", aliases=("Town", "CITY"))
        assert (described.text, described.label) == ("city: where people live", "city")
        assert described.alias_keys == {"town"}, "its own name is none"
        assert EntityType(name="person", label="PER").text == "person"
        with pytest.raises(ValueError, match="needs a name"):
            EntityType(name="  ")

    @pytest.mark.parametrize(
        "given",
        [
            lambda: ["person", "city"],
            lambda: {"person": "", "city": None},
            lambda: [EntityType(name="person"), "city"],
            lambda: ("person", "city"),
            lambda: (name for name in ("person", "city")),
            lambda: iter(["person", "city"]),
            lambda: {"person": 1, "city": 2}.keys(),
            lambda: np.array(["person", "city"]),
            lambda: np.array(["person", "city"], dtype=object),
            lambda: map(str.lower, ["Person", "City"]),
        ],
    )
    def test_the_forms_that_users_give(self, given: Callable[[], Any]) -> None:
        expected = (EntityType(name="person"), EntityType(name="city"))
        assert as_entity_types(given()) == expected
        assert types_per_text(given(), 2) == [expected, expected]
        assert types_per_text([given(), given()], 2) == [expected, expected]

    def test_the_types_of_a_set_are_sorted(self) -> None:
        """The order of a set differs from process to process."""
        names = [f"type {number}" for number in range(9)]
        for given in (set(names), frozenset(names), {EntityType(name=name) for name in names}):
            assert [item.name for item in as_entity_types(given)] == names
            assert [item.name for item in types_per_text(given, 1)[0]] == names

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("person", 'write ["person"]'),
            ([], "no entity types given"),
            (iter(()), "no entity types given"),
            (["city", "city"], "more than once: city"),
            (["city", "person", "City"], '"city" and "City" are one type; leave one out'),
            ({"product-name": "", "Product_Name": ""}, '"product-name" and "Product_Name" are one type'),
            ([EntityType(name="person", label="PER"), "person"], "more than once: person"),
            ([EntityType(name=name, label="X") for name in "ab"], 'two entity types have the label "X"; give each its own'),
            (["city", None], "types[1]"),
            ([float("nan")], "types[0]"),
            ([3], "types[0]"),
            (None, "types must be a list of names or {name: description}, got None"),
            (7, "types must be a list of names or {name: description}, got '7' (int)"),
            (b"person", "types must be a list of names"),
            (np.array("person"), "types must be a list of names"),
            ({"person": 3}, 'the description of "person" must be a text (str) or None, got \'3\' (int)'),
            ({None: ""}, "must be a text (str), got None"),
        ],
    )
    def test_what_is_refused(self, given: Any, message: str) -> None:
        if not isinstance(given, Iterator):
            with pytest.raises(InputError) as caught:
                types_per_text(given, 1)
            assert message in str(caught.value)
        with pytest.raises(InputError) as caught:
            as_entity_types(given)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (["person", ["city"]], "types[1] is \"['city']\" (list); give names (str) or EntityTypes for all texts, or one list"),
            ([["person"], "city"], "types[1] is 'city' (str)"),
            ([["person"], None], "types[1] is None"),
            ([["person"], []], "types[1]: no entity types given"),
            ([["person"], ["a", "A"]], 'types[1]: entity types must differ, given more than once: "a" and "A" are one type'),
            ([["person"], [None]], "types[1]: types[0] must be a name (str) or an EntityType, got None"),
        ],
    )
    def test_which_list_is_wrong(self, given: Any, message: str) -> None:
        with pytest.raises(InputError) as caught:
            types_per_text(given, 2)
        assert message in str(caught.value)

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


class TestTexts:
    @pytest.mark.parametrize(
        "given",
        [
            ["Ada", "Łódź"],
            ("Ada", "Łódź"),
            (text for text in ("Ada", "Łódź")),
            {"Ada": 1, "Łódź": 2}.keys(),
            {1: "Ada", 2: "Łódź"}.values(),
            np.array(["Ada", "Łódź"]),
            np.array(["Ada", "Łódź"], dtype=object),
        ],
    )
    def test_the_forms_that_users_give(self, given: Any) -> None:
        assert as_texts(given) == ["Ada", "Łódź"]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ([None, "Ada"], "texts[0] must be a text (str), got None"),
            (["Ada", float("nan")], "texts[1] must be a text (str), got 'nan' (float)"),
            (["Ada", b"Berg"], "texts[1] must be a text (str), got \"b'Berg'\" (bytes)"),
            ((item for item in ("Ada", 3)), "texts[1] must be a text (str), got '3' (int)"),
            ([["Ada", "Berg"]], 'texts[0] must be a text (str), got tokens "[\'Ada\', \'Berg\']" (list); join them'),
            (["Ada", "B\ud800b"], "texts[1] holds a lone surrogate (\\ud800), half a character"),
            (None, "texts must be a text or a list of texts, got None"),
            (b"Ada", "texts must be a text or a list of texts, got \"b'Ada'\" (bytes)"),
            ({"text": "Ada"}, "texts must be a text or a list of texts"),
            (3.5, "texts must be a text or a list of texts, got '3.5' (float)"),
        ],
    )
    def test_what_is_refused(self, given: Any, message: str) -> None:
        with pytest.raises(InputError) as caught:
            as_texts(given)
        assert message in str(caught.value)


def test_spans_are_half_open_and_not_empty() -> None:
    assert Mention(start=0, end=1, label="x") < Mention(start=0, end=2, label="x") < Mention(start=1, end=2, label="a")
    for start, end in ((1, 1), (2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="0 <= start < end"):
            Mention(start=start, end=end, label="x")


def test_an_entity_without_its_score_is_a_mention() -> None:
    entity = Entity(start=1, end=3, label="person", text="Al", score=0.5)
    assert entity.mention == Mention(start=1, end=3, label="person")


def test_a_list_of_names_is_checked_once() -> None:
    """... and a list that is changed is another list, as is one with other types of items."""
    names = ["person", "city"]
    first = as_entity_types(names)
    assert as_entity_types(tuple(names)) is first
    names.append("river")
    assert [item.name for item in as_entity_types(names)] == ["person", "city", "river"]
    assert as_entity_types(["person", EntityType(name="city", description="a place")]) != first
    for _ in range(2):  # what is wrong is told each time
        with pytest.raises(InputError, match="given more than once: person"):
            as_entity_types(["person", "person"])
    with pytest.raises(InputError, match="given more than once: person"):  # one object, twice
        as_entity_types([first[0], first[0]])
    many = [f"kind {number}" for number in range(MAX_REMEMBERED + 1)]
    assert as_entity_types(many) is not as_entity_types(many)
