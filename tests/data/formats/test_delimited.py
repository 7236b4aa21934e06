"""Tables of CSV and TSV are read in each form that people bring, and written with an entity a row."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_data import content, read_as, read_lines, span
from helpers_e2e import write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.delimited import is_delimited, read_delimited
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut, check_record
from spanmatch.errors import InputError

KAGGLE = 'Sentence #,Word,POS,Tag\nSentence: 1,Ada,NNP,B-x\n,"a, b",V,O\nSentence: 2,"""",Q,O\n,Bo,NNP,B-x\n'
SENTENCES = [{"tokens": ["Ada", "a, b"], "token_spans": [span(0, 1)]}, {"tokens": ['"', "Bo"], "token_spans": [span(1, 2)]}]
SHEET = "record,text,start,end,label,entity\n1,Ada met Bo,0,3,x,Ada\n1,Ada met Bo,8,10,x,Bo\n2,Hm,,,,\n"
TEXTS = [{"text": "Ada met Bo", "char_spans": [span(0, 3), span(8, 10)]}, {"text": "Hm", "char_spans": []}]
SPANS_CELL = 'text,entities\nAda met Bo,"[[0, 3, ""x""], [8, 10, ""x""]]"\nHm,[]\n'
TAGS_CELL = "text,labels\nAda met Bo,B-x O B-x\nHm,O\n"


class TestReading:
    @pytest.mark.parametrize(
        "table",
        [
            KAGGLE,
            KAGGLE.replace("\n,", "\nSentence: 1,", 1),
            KAGGLE.replace("Sentence #,Word,POS,Tag", "sentence_id,token,pos,ner"),
            # Without a column of sentences, blank lines end them, and rows of empty cells.
            'word,tag\nAda,B-x\n"a, b",O\n\n"""",O\nBo,B-x\n',
            'word,tag\nAda,B-x\n"a, b",O\n,\n"""",O\nBo,B-x\n',
            'word\ttag\nAda\tB-x\na, b\tO\n\n"\tO\nBo\tB-x\n',
        ],
    )
    def test_a_token_a_row(self, tmp_path: Path, table: str) -> None:
        name = "a.tsv" if "\t" in table else "a.csv"
        assert read_as(tmp_path, name, table) == SENTENCES

    @pytest.mark.parametrize(
        "table",
        [
            SHEET,
            # As a spreadsheet saves it: semicolons, and numbers with a fraction where cells are empty.
            SHEET.replace(",", ";"),
            SHEET.replace(",0,3,", ",0.0,3.0,"),
            # Sorted by entity; without numbers of texts; without the text of entities, or without offsets.
            "record,text,start,end,label,entity\n10,Hm,,,,\n9,Ada met Bo,8,10,x,Bo\n9,Ada met Bo,0,3,x,Ada\n",
            "text,start,end,label\nAda met Bo,0,3,x\nHm,,,\nAda met Bo,8,10,x\n",
            "text,entity,label\nAda met Bo,Ada,x\nAda met Bo,Bo,x\nHm,,\n",
            SPANS_CELL,
            SPANS_CELL.replace("entities", "label"),
        ],
    )
    def test_spans(self, tmp_path: Path, table: str) -> None:
        rows = read_as(tmp_path, "a.csv", table)
        assert [row | {"char_spans": sorted(row["char_spans"], key=lambda item: int(item["start"]))} for row in rows] == TEXTS

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            (TAGS_CELL, {"text": "Ada met Bo"}),
            ("text,tokens,tags\nAda met Bo.,\"['Ada', 'met', 'Bo']\",\"['B-x', 'O', 'B-x']\"\n", {"text": "Ada met Bo."}),
            ("text,words,ner_tags\nAda met Bo.,Ada met Bo,B-x O B-x\n", {"text": "Ada met Bo."}),
        ],
    )
    def test_tags_in_a_cell(self, tmp_path: Path, table: str, expected: dict[str, Any]) -> None:
        rows = read_as(tmp_path, "a.csv", table)
        assert rows[0] == expected | {"tokens": ["Ada", "met", "Bo"], "token_spans": [span(0, 1), span(2, 3)]}

    def test_other_columns_are_kept(self, tmp_path: Path) -> None:
        [row] = read_as(tmp_path, "a.csv", "id,text,entities,source,empty\n7,Hm,[],news,\n")
        assert row == {"text": "Hm", "char_spans": [], "id": "7", "source": "news"}

    def test_what_is_left_out_is_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        read_as(tmp_path, "a.csv", KAGGLE)
        assert f'values of "POS": 4 (first: {tmp_path}/a.csv:2)' in caplog.text
        read_as(tmp_path, "b.csv", "text,start,end,label,score,source\nAda,0,3,x,0.9,a\nAda,0,2,y,,b\n", overwrite=True)
        assert f'values of "score": 1 (first: {tmp_path}/b.csv:2)' in caplog.text
        assert f'values of "source" that differ between rows of a text: 1 (first: {tmp_path}/b.csv:3)' in caplog.text

    def test_the_columns_that_the_user_names(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("body,outer,inner,form\nAda met,B-x O,O O,z\n", encoding="utf-8")
        reading = Reading(left_out=LeftOut(), text_column="body", tag_column="inner")
        assert [row["tags"] for _, row in read_delimited(path, reading)] == [["O", "O"]]
        path.write_text("n,form,outer,inner\n1,Ada,B-x,O\n\n2,met,O,O\n", encoding="utf-8")
        reading = Reading(left_out=LeftOut(), token_column="form", tag_column="-1")
        assert [row["tags"] for _, row in read_delimited(path, reading)] == [["O"], ["O"]]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Columns dropped, renamed, or there twice.
        ("txt,entities\nHm,[]\n", r'a\.csv:1: no column "text"; did you mean "txt"\? \(--text_column NAME\)'),
        ("sentiment,body\n1,Hm\n", r'a\.csv:1: no column "text"; valid: body, sentiment'),
        ("text\nHm\n", r'a\.csv:1: none of the columns "text" is known as annotation; give columns "start"'),
        ("text,start,end\nAda,0,3\n", r'a\.csv:1: none of the columns "text", "start", "end" is known as annotation'),
        ("text,tags,entities\nHm,O,[]\n", r'a\.csv:1: the columns "tags" and "entities" may each be meant; rename or drop'),
        ("sentence,word\n1,Ada\n", r'a\.csv:1: none of the columns "sentence", "word" .*call the column .* "tag"'),
        ("sentence,word,tag,ner\n1,Ada,O,O\n", r'a\.csv:1: the columns "tag" and "ner" may each be meant'),
        ("word,tag\nAda,B-x\nmet,O\n", r"a\.csv:1: nothing says where a sentence ends; number the sentences"),
        # Cells dropped, of another kind, or shifted.
        ("sentence,word,tag\n1,Ada,\n", r'a\.csv:2: "tag" is empty; give each token a tag'),
        ("sentence,word,tag\n1,Ada,O\n1,,O\n", r'a\.csv:3: "word" is empty'),
        ("text,entities\nAda,[]\nHm,\n", r'a\.csv:3: "entities" is empty; write \[\]'),
        ("text,label\nHm,positive\n", r"a\.csv:2: \"label\" holds 'positive'; expected tags such as"),
        ("text,tags\nAda met Bo,B-x O\n", r"a\.csv:2: 2 tags for 3 tokens"),
        ("text,start,end,label\nAda,0,3,\n", r'a\.csv:2: "label" is empty; give the entity a label'),
        ("text,start,end,label\nAda,0,,x\n", r"a\.csv:2: start '0' and end ''; expected two whole numbers"),
        ("text,start,end,label\nAda,zero,3,x\n", r"a\.csv:2: start 'zero' and end '3'; expected two whole numbers"),
        ("text,start,end,label\nAda,0,4,x\n", r"a\.csv:2: span \[0, 4\) is empty or not within the text"),
        ("text,start,end,label,entity\nAda met,1,4,x,Ada\n", r"a\.csv:2: span \[1, 4\) covers 'da ', but 'Ada' stands beside"),
        ("text,start,end,label\nAda,,,x\n", r"a\.csv:2: no start, no end and no entity; give start and end"),
        ("text,entity,label\nAda saw Ada,Ada,x\n", r"a\.csv:2: 'Ada' stands 2 times in the text; give start and end"),
        ("text,entity,label\nAda,Bo,x\n", r"a\.csv:2: 'Bo' stands 0 times in the text"),
        (SHEET.replace("\n1,Ada met Bo,8", "\n1,Ada saw Bo,8"), r'a\.csv:3: the same "record" as .*a\.csv:2, but another text'),
        (SHEET.replace("\n2,Hm", "\n,Hm"), r'a\.csv:4: "record" is empty; give the number'),
        ("text,entities\nHm\n", r"a\.csv:2: 1 cell, but the header names 2"),
        ("", r"a\.csv: no header"),
        ("text,entities\n", r"a\.csv: no example in it"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, table: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read_as(tmp_path, "a.csv", table)
    assert not (tmp_path / "read.jsonl").exists()


@pytest.mark.parametrize("good", [KAGGLE, SHEET, SPANS_CELL, TAGS_CELL])
def test_a_broken_header_never_gives_an_empty_result(tmp_path: Path, good: str) -> None:
    """Each column is renamed in turn: the table is refused, or read with as many spans as before."""
    names, _, rest = good.partition("\n")
    for index in range(names.count(",") + 1):
        columns = names.split(",")
        columns[index] += "zz"
        path = tmp_path / "a.csv"
        path.write_text(f"{','.join(columns)}\n{rest}", encoding="utf-8")
        try:
            records = [check_record(where, row) for where, row in read_delimited(path, Reading(left_out=LeftOut()))]
        except InputError as error:
            assert "a.csv:" in str(error)
        else:
            assert sum(len(record.example.mentions) for record in records) == 2


@pytest.mark.parametrize(
    ("name", "header", "expected"),
    [
        ("a.csv", "whatever", True),
        ("a.tsv", "text\tentities", True),
        ("a.tsv", "Word\tTag", True),
        ("a.tsv", "Ada\tB-PER", False),
        ("a.tsv", "word\tlemma", False),
        ("a.tsv", "", False),
    ],
)
def test_a_table_is_told_by_its_header(tmp_path: Path, name: str, header: str, expected: bool) -> None:
    (tmp_path / name).write_text(header, encoding="utf-8")
    assert is_delimited(tmp_path / name, None) is expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (SPANS_CELL + "Bo,\nEd,[],more\nUlm,[]\n", ["Ada met Bo", "Hm", "a.csv:4", "a.csv:5", "Ulm"]),
        (KAGGLE + "Sentence: 3,Bo,X,\n,Ed,X,O\nSentence: 4,Ulm,X,O\n", [["Ada", "a, b"], ['"', "Bo"], "a.csv:6", ["Ulm"]]),
    ],
)
def test_a_record_that_is_wrong_does_not_end_the_table(tmp_path: Path, table: str, expected: list[Any]) -> None:
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    rows = list(read_delimited(tmp_path / "a.csv", Reading(left_out=LeftOut())))
    found = [
        Path(where).name if isinstance(row, InputError) else row["text"] if "text" in row else row["tokens"]
        for where, row in rows
    ]
    assert found == expected


class TestWriting:
    def test_an_entity_a_row(self, tmp_path: Path) -> None:
        rows = [{"id": 4, "text": 'Ada, "met" Bo', "char_spans": [span(0, 3), span(0, 13, "y")], "n": [1]}, {"text": "Hm"}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), str(tmp_path / "a.csv"))
        assert content(tmp_path / "a.csv") == (
            "\ufeffrecord,text,start,end,label,entity,id,n\n"
            '1,"Ada, ""met"" Bo",0,3,x,Ada,4,[1]\n1,"Ada, ""met"" Bo",0,13,y,"Ada, ""met"" Bo",4,[1]\n2,Hm,,,,,,\n'
        )

    def test_scores_and_names_that_are_ours(self, tmp_path: Path) -> None:
        rows = [{"text": "Ada", "char_spans": [span(0, 3) | {"score": 0.91234567}], "score": "news"}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), str(tmp_path / "a.csv"), source_format="spans")
        lines = content(tmp_path / "a.csv").splitlines()
        assert lines == ["\ufeffrecord,text,start,end,label,entity,score,score (input)", "1,Ada,0,3,x,Ada,0.912346,news"]

    def test_tabs(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"text": "a\tb", "char_spans": [span(0, 1)]}])
        convert(str(source), str(tmp_path / "a.tsv"), target_format="csv")
        assert content(tmp_path / "a.tsv") == '\ufeffrecord\ttext\tstart\tend\tlabel\tentity\n1\t"a\tb"\t0\t1\tx\ta\n'
        convert(str(tmp_path / "a.tsv"), str(tmp_path / "b.jsonl"))
        assert read_lines(tmp_path / "b.jsonl") == [{"text": "a\tb", "char_spans": [span(0, 1)]}]

    def test_what_a_table_does_not_hold_is_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        row = {"tokens": ["a.b", "c"], "token_spans": [span(0, 1)], "labels": ["x", "y"]}
        convert(str(write_jsonl(tmp_path / "a.jsonl", [row])), str(tmp_path / "a.csv"))
        assert "texts whose tokens are not the words that we split: 1" in caplog.text and 'values of "labels": 1' in caplog.text

    @given(
        data=st.lists(
            st.tuples(st.text(alphabet=st.characters(codec="utf-8"), min_size=1), st.integers(0, 9), st.integers(1, 5)),
            min_size=1,
        )
    )
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, data: list[tuple[str, int, int]]) -> None:
        folder = tmp_path_factory.mktemp("csv")
        rows = [
            {"text": text, "char_spans": [span(start, min(start + width, len(text)))] if start < len(text) else []}
            for text, start, width in data
        ]
        convert(str(write_jsonl(folder / "a.jsonl", rows)), str(folder / "a.csv"))
        convert(str(folder / "a.csv"), str(folder / "b.jsonl"))
        assert read_lines(folder / "b.jsonl") == rows


def test_a_label_studio_export(tmp_path: Path) -> None:
    """The columns of a CSV export: the name of the labels' control is "label"."""
    cell = json.dumps([{"start": 0, "end": 3, "text": "Ada", "labels": ["x"]}]).replace('"', '""')
    table = f'text,id,label,annotator,annotation_id,lead_time\nAda met,12,"{cell}",1,7,3.5\n'
    [row] = read_as(tmp_path, "a.csv", table)
    assert row["char_spans"] == [span(0, 3)] and row["id"] == "12"
