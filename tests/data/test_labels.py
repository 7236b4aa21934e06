"""Names and descriptions of types: which entry a label means, and what is wrong with a file."""

from pathlib import Path

import pytest
from helpers_data import TEXT, read_one, write_labels

from spanmatch.data.labels import USUAL_TAGS, asked_types, read_entity_types, sidecar_of, unnamed_type, usual_types
from spanmatch.errors import InputError


class TestTypeNames:
    @pytest.mark.parametrize(
        ("label", "name", "description"),
        [
            ("PER", "person", "a human being"),
            ("person", "person", "a human being"),
            ("GAME", "board game", ""),
            ("board game", "board game", ""),
            # "LOC" is the name of one entry and the key of another: the name counts.
            ("LOC", "LOC", "by name"),
            ("key", "LOC", "by name"),
            # Without an entry: the usual tags, else the label in words.
            ("ORG", "organization", ""),
            ("product_name", "product name", ""),
            ("misc", "miscellaneous", ""),
        ],
    )
    def test_sidecar(self, tmp_path: Path, label: str, name: str, description: str) -> None:
        write_labels(
            tmp_path,
            {
                "PER": {"name": "person", "description": "a human being", "other": 1},
                "GAME": {"name": "board game"},
                "LOC": {"name": "place", "description": "by key"},
                "key": {"name": "LOC", "description": "by name"},
            },
        )
        row = {"text": TEXT, "char_spans": [{"start": 0, "end": 3, "label": label}]}
        [entity_type] = read_one(tmp_path, row).types
        # Results carry the label of the file.
        assert (entity_type.label, entity_type.name, entity_type.description) == (label, name, description)

    def test_a_description_alone(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": "a human being", "board_game": "chess, say"})
        row = {"text": TEXT, "labels": ["PER", "board_game"]}
        assert [item.text for item in read_one(tmp_path, row).types] == ["person: a human being", "board game: chess, say"]

    def test_aliases(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"ORG": {"name": "company", "aliases": ["Firm", "company", "business_unit"]}})
        [entity_type] = read_one(tmp_path, {"text": TEXT, "labels": ["ORG"]}).types
        assert entity_type.aliases == ("Firm", "company", "business_unit")
        assert entity_type.alias_keys == {"firm", "business unit"}

    @pytest.mark.parametrize("label", ["person", "P2", "P1"])
    def test_the_described_entry_of_one_name_counts(self, tmp_path: Path, label: str) -> None:
        write_labels(tmp_path, {"P1": {"name": "person"}, "P2": {"name": "person", "description": "a human being"}})
        [entity_type] = read_one(tmp_path, {"text": TEXT, "labels": [label]}).types
        assert (entity_type.label, entity_type.name, entity_type.description) == (label, "person", "a human being")

    @pytest.mark.parametrize(
        ("label", "name"),
        [
            ("Product_Name", "product-name"),  # the name of an entry, written otherwise
            ("ORG", "Company"),  # a tag, written otherwise
            ("PERS", "person"),  # what the tag usually means
            ("PER", "percentage"),  # a tag comes before what it usually means
            ("Per", "percentage"),  # a tag as it is written comes before names that agree after normalisation
            ("x1", "first"),
            ("X1", "second"),
            ("X-1", "X-1"),  # like neither
        ],
    )
    def test_other_spellings(self, label: str, name: str, tmp_path: Path) -> None:
        entries = {"product-name": "a", "org": {"name": "Company"}, "person": "b", "Per": {"name": "percentage"}}
        write_labels(tmp_path, entries | {"x1": {"name": "first"}, "X1": {"name": "second"}})
        [entity_type] = read_one(tmp_path, {"text": TEXT, "labels": [label]}).types
        assert (entity_type.label, entity_type.name) == (label, name)

    def test_entries_of_one_name_share_their_aliases(self, tmp_path: Path) -> None:
        entries = {
            "P1": {"name": "person", "aliases": ["human"]},
            "P2": {"name": "Person", "description": "somebody", "aliases": ["individual"]},
        }
        given = read_entity_types(write_labels(tmp_path, entries), is_inventory=True)
        [entity_type] = given.inventory
        assert (entity_type.label, entity_type.description) == ("P2", "somebody")
        assert entity_type.alias_keys == {"human", "individual"}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('{"\\u200b": "x"}', "blank"),
            ('{"PER": {"name": "\\u200b"}}', "not blank"),
            ("{", "labels.json:1: not JSON"),
            ("[]", "expected a JSON object"),
            ("{}", "at least one tag"),
            ('{"PER": 3}', 'labels.json: PER: expected a description or {"name", "description"}, got 3'),
            ('{"PER": {"name": 3}}', "must be strings"),
            ('{"PER": {"name": " "}}', "not blank"),
            ('{"PER": {"aliases": "x"}}', '"aliases" a list'),
            ('{" ": "x"}', "blank"),
        ],
    )
    def test_bad_files(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "labels.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_one(tmp_path, {"text": TEXT})
        assert message in str(caught.value)

    def test_no_file(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": "x"}, "types.json")
        with pytest.raises(InputError, match=r'typs\.json: no such file; did you mean "types\.json"\?'):
            read_entity_types(tmp_path / "typs.json")


def test_sidecar_is_beside_a_file_or_in_a_folder(tmp_path: Path) -> None:
    assert sidecar_of(tmp_path) is None and sidecar_of(tmp_path / "train.jsonl") is None
    labels = write_labels(tmp_path, {"PER": "a human being"})
    assert sidecar_of(tmp_path) == sidecar_of(tmp_path / "train.jsonl") == labels


def test_the_usual_types_are_those_of_the_usual_tags() -> None:
    assert [item.label for item in usual_types()] == ["person", "organization", "location"]
    assert [unnamed_type(tag).name for tag in USUAL_TAGS] == [item.name for item in usual_types()]


class TestAskedTypes:
    def test_names_come_before_those_of_the_file(self, tmp_path: Path) -> None:
        file = write_labels(tmp_path, {"LOC": {"name": "place", "description": "a location"}}, "types.json")
        asked = asked_types(["person, city", " company,"], str(file))
        assert [item.label for item in asked] == ["person", "city", "company", "LOC"]
        assert asked[-1].text == "place: a location"

    @pytest.mark.parametrize(
        ("types", "message"),
        [
            ([" ,"], "no entity types given"),
            (["a", "b,a"], "given more than once: a"),
            (["person,Person"], '"person" and "Person" are one type'),
        ],
    )
    def test_bad_names(self, types: list[str], message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            asked_types(types, None)
        assert str(caught.value).endswith('(--types "person,city" or --entity_types FILE)')
