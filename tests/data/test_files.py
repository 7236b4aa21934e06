"""Files: each error is one line with its remedy, and a file is written whole or not at all."""

import bz2
import gzip
import lzma
import os
import stat
from pathlib import Path

import pytest

from spanmatch.data.files import (
    check_can_write,
    check_folder_of,
    check_not_read,
    find_glob,
    folder_to_write,
    home_path,
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

    def test_a_pipe_is_no_missing_file(self, tmp_path: Path) -> None:
        """... as from `<(zcat corpus.jsonl.gz)`."""
        os.mkfifo(tmp_path / "pipe")
        message = "a pipe or a device, not a file; write what it gives to a file first"
        assert str(no_such_file(tmp_path / "pipe")) == f"{tmp_path}/pipe: {message}"


class TestReading:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (gzip.compress(b"text"), "a.jsonl: compressed with gzip, not text in UTF-8; unpack it (gunzip)"),
            (bz2.compress(b"text"), "a.jsonl: compressed with bzip2, not text in UTF-8; unpack it (bunzip2)"),
            (lzma.compress(b"text"), "a.jsonl: compressed with xz, not text in UTF-8; unpack it (unxz)"),
            (b"PK\x03\x04\xff", "a.jsonl: a zip archive, not text in UTF-8; unpack it, or save it as text"),
            ("text".encode("utf-16"), "a.jsonl: UTF-16, not text in UTF-8; save it as UTF-8"),
            (b"Zo\xeb", "a.jsonl: not UTF-8 (unexpected end of data at byte 2); save the file as UTF-8"),
        ],
        ids=["gzip", "bzip2", "xz", "zip", "UTF-16", "Latin-1"],
    )
    def test_what_is_no_text(self, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("a.jsonl").write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_text(Path("a.jsonl"))
        assert str(caught.value) == message

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
    def test_a_folder_whose_name_has_brackets(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is there, so it is taken by its name."""
        (folder / "sub").rename(folder / "data [old]")
        assert find_glob(f"{folder}/data [old]/*.jsonl") == [folder / "data [old]" / "test.jsonl"]
        assert find_glob(f"{folder}/data [old]/[st]*.jsonl") == [folder / "data [old]" / "test.jsonl"]
        assert find_glob(f"{folder}/[d]*/*.jsonl") == [folder / "data [old]" / "test.jsonl"]
        monkeypatch.chdir(folder)
        assert find_glob("data [old]/*.jsonl") == [Path("data [old]/test.jsonl")]
        assert find_glob("*.jsonl") == [Path("train.jsonl")]

    def test_sorted(self, folder: Path) -> None:
        assert find_glob(f"{folder}/**/*.jsonl") == [folder / "sub" / "test.jsonl", folder / "train.jsonl"]

    def test_no_match(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r"\*\.csv: no file matches; check the pattern and the folder \("):
            find_glob(f"{folder}/*.csv")

    def test_what_is_written_is_no_input(self, folder: Path) -> None:
        (folder / "sub" / "link").symlink_to(folder / "train.jsonl")
        assert find_glob(f"{folder}/**/*.jsonl", leave_out=[folder / "sub" / "link"]) == [folder / "sub" / "test.jsonl"]
        with pytest.raises(InputError, match=r"no file matches but .*types.json, which is written; check"):
            find_glob(f"{folder}/*.json", leave_out=[folder / "sub" / ".." / "types.json"])


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

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
    def test_permissions_stay(self, folder: Path, mode: int) -> None:
        """They hold for the part that is there before the file is whole, too, and where a library makes that anew."""
        (folder / "types.json").chmod(mode)
        with whole_file(folder / "types.json") as partial:
            assert stat.S_IMODE(partial.stat().st_mode) == mode
            partial.unlink()
            partial.touch(mode=0o644)
        assert stat.S_IMODE((folder / "types.json").stat().st_mode) == mode

    def test_permissions_of_a_new_file(self, folder: Path) -> None:
        before = os.umask(0o027)
        try:
            write_whole(folder / "new.json", "{}")
        finally:
            os.umask(before)
        assert stat.S_IMODE((folder / "new.json").stat().st_mode) == 0o640

    def test_a_link_stays_one(self, folder: Path) -> None:
        """What it leads to is replaced, also over several links, and made where it is not there yet."""
        (folder / "near").symlink_to("types.json")
        (folder / "far").symlink_to(folder / "near")
        (folder / "dangling").symlink_to(Path("sub") / "new.json")
        for name, target in [("far", "types.json"), ("dangling", "sub/new.json")]:
            write_whole(folder / name, name)
            assert (folder / name).is_symlink() and (folder / target).read_text() == name
        assert (folder / "near").is_symlink() and not list(folder.rglob("*.partial"))

    def test_what_is_no_file(self, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        (folder / "circle").symlink_to("circle")
        (folder / "device").symlink_to(os.devnull)
        before = sorted(folder.rglob("*"))
        for name, message in [
            ("pipe", "a device or a pipe, not a file"),
            ("device", "a device or a pipe"),
            ("circle", "a link that leads to itself"),
            ("sub", "a folder; name a file"),
            ("none/new.json", "there is no folder"),
            ("n" * 250, "cannot be written .File name too long.; give it a shorter name"),
        ]:
            with pytest.raises(InputError, match=message):
                check_can_write(folder / name)
        with pytest.raises(InputError, match="a device or a pipe"):
            write_whole(folder / "device", "{}")
        assert sorted(folder.rglob("*")) == before

    def test_what_may_not_be_written(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A superuser may, so the system's answer is replaced."""
        denied: list[Path] = []
        monkeypatch.setattr(os, "access", lambda place, _: place not in denied)
        check_can_write(folder / "types.json")
        denied.append(folder / "types.json")
        with pytest.raises(InputError, match=r"types.json: cannot be written, .*types.json is read-only; name another"):
            check_can_write(folder / "types.json")
        denied.append(folder)
        with pytest.raises(InputError, match=r"new.json: cannot be written, .* may not be written to; name another"):
            check_can_write(folder / "new.json")
        with pytest.raises(InputError, match=r"a/b: cannot be written, .* may not be written to"):
            folder_to_write(str(folder / "a" / "b"))
        assert folder_to_write(str(folder / "sub" / "b")) == folder / "sub" / "b"

    def test_an_input_is_not_overwritten(self, folder: Path) -> None:
        (folder / "link").symlink_to("types.json")
        check_not_read([folder / "new.json"], [folder / "types.json"])
        for written, read in [("link", "types.json"), ("sub/../types.json", "link")]:
            with pytest.raises(InputError, match=rf"{written}: is an input, too; name another output"):
                check_not_read([folder / written], [folder / read])

    def test_an_error_before_anything_is_written(self, folder: Path) -> None:
        with pytest.raises(UnicodeEncodeError):
            write_whole(folder / "new.json", "\ud800")
        assert sorted(path.name for path in folder.iterdir()) == ["sub", "train.jsonl", "types.json"]


def test_home_path() -> None:
    assert home_path("~/a").name == "a" and home_path("~/a") != Path("~/a")
    assert home_path("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_what_is_written_has_a_name(name: str) -> None:
    with pytest.raises(InputError, match="not the name of a file"):
        partial_path(Path(name))
