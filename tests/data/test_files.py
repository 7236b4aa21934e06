"""Files: each error is one line with its remedy, and a file is written whole or not at all."""

from pathlib import Path

import pytest

from spanmatch.data.files import (
    check_folder_of,
    find_glob,
    folder_to_write,
    no_such_file,
    partial_path,
    read_json,
    read_text,
    whole_file,
    write_whole,
)
from spanmatch.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("types.json", "train.jsonl", "sub/test.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    return tmp_path


class TestNoSuchFile:
    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("trian.jsonl", {}, 'no such file; did you mean "train.jsonl"?'),
            ("xyz", {}, "no such file; check the path"),
            ("xyz", {"otherwise": "train first", "kind": "folder"}, "no such folder; train first"),
            ("type.json", {"pattern": "*.txt"}, "no such file; check the path"),
            ("type.json", {"pattern": "*.json"}, 'no such file; did you mean "types.json"?'),
            ("none/a", {"otherwise": "train first"}, "no such file; train first"),
        ],
    )
    def test_message(self, folder: Path, name: str, options: dict[str, str], message: str) -> None:
        assert str(no_such_file(folder / name, **options)) == f"{folder / name}: {message}"

    def test_names_the_folder_that_is_missing(self, folder: Path) -> None:
        assert str(no_such_file(folder / "none" / "a")).endswith(f"no such file; there is no folder {folder}/none")


class TestReading:
    def test_json(self, tmp_path: Path) -> None:
        file = tmp_path / "a.json"
        file.write_bytes('\ufeff{"a": "é"}\r\n'.encode())
        assert read_json(file) == {"a": "é"}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'{\n"a" 1}', ":2: not JSON (Expecting ':' delimiter at column 5); mend it"),
            (b'"\xe9"', ": not UTF-8 (invalid continuation byte at byte 1); save the file as UTF-8"),
            (b"[" * 100_000, ": not JSON that can be read ("),
            (b"9" * 5_000, ": not JSON that can be read ("),
        ],
    )
    def test_bad_json(self, tmp_path: Path, content: bytes, message: str) -> None:
        file = tmp_path / "a.json"
        file.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_json(file, "mend it")
        assert str(caught.value).startswith(f"{file}{message}") and "\n" not in str(caught.value)

    def test_suggests_names_with_the_same_suffix(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r'trains\.jsonl: no such file; did you mean "train\.jsonl"\?'):
            read_text(folder / "trains.jsonl")
        with pytest.raises(InputError, match=r"train\.txt: no such file; give a text"):
            read_text(folder / "train.txt", "give a text")

    def test_a_folder_is_no_file(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r"sub: cannot be read \(Is a directory\); give a text"):
            read_text(folder / "sub", "give a text")


class TestFindGlob:
    def test_sorted(self, folder: Path) -> None:
        assert find_glob(f"{folder}/**/*.jsonl") == [folder / "sub" / "test.jsonl", folder / "train.jsonl"]

    def test_no_match(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r"\*\.csv: no file matches; check the pattern and the folder \("):
            find_glob(f"{folder}/*.csv")


class TestWriting:
    def test_folders(self, folder: Path) -> None:
        assert folder_to_write(str(folder / "new")) == folder / "new"
        check_folder_of(folder / "new.json")
        with pytest.raises(InputError, match="output_dir is a file; give a folder"):
            folder_to_write(str(folder / "types.json"))
        with pytest.raises(InputError, match=r"there is no folder .*none; make it first"):
            check_folder_of(folder / "none" / "new.json")

    def test_replaces(self, folder: Path) -> None:
        write_whole(folder / "types.json", "é\n")
        assert (folder / "types.json").read_bytes() == "é\n".encode()
        assert not partial_path(folder / "types.json").exists()

    def test_an_error_leaves_what_was_there(self, folder: Path) -> None:
        with pytest.raises(RuntimeError), whole_file(folder / "types.json") as partial:
            assert partial == folder / "types.json.partial"
            partial.write_text("half", encoding="utf-8")
            raise RuntimeError
        assert (folder / "types.json").read_text(encoding="utf-8") == "{}" and not partial.exists()

    def test_an_error_before_anything_is_written(self, folder: Path) -> None:
        with pytest.raises(UnicodeEncodeError):
            write_whole(folder / "new.json", "\ud800")
        assert sorted(path.name for path in folder.iterdir()) == ["sub", "train.jsonl", "types.json"]
