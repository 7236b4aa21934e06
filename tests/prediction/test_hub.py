"""Checkpoints of the hub: what is uploaded is downloaded, nothing else travels, and each refusal is a line without a token.

The hub is one on this machine (`helpers_hub`), which the library asks over HTTP as it asks the real one.
"""

import fnmatch
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import TEXTS, TYPES, make_matcher
from helpers_e2e import offline_environment, spanmatch
from helpers_hub import READS, WRITES, Hub, Repository, running_hub, use_hub

from spanmatch.errors import InputError
from spanmatch.prediction.hub import FILES, download, push_to_hub, upload
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import load_tagger
from spanmatch.prediction.thresholds import Calibration

TEXT = TEXTS["plain"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as found:
        use_hub(monkeypatch, found.address, str(tmp_path / "cache"))
        yield found


@pytest.fixture
def folder(tiny_matcher: SpanMatcher, tmp_path: Path) -> Path:
    """A checkpoint with what a training leaves beside it."""
    found = tmp_path / "mine"
    tiny_matcher.save_pretrained(found)
    (found / "README.md").write_text('---\ntags: [x]\n---\nmatcher = SpanMatcher.from_pretrained("mine")\n', encoding="utf-8")
    for name in ("checkpoint-8/optimizer.pt", "checkpoint-8/config.json", "train.log", "test/predictions.jsonl", ".env"):
        (found / name).parent.mkdir(exist_ok=True)
        (found / name).write_text("private", encoding="utf-8")
    return found


def matcher_of(folder: str | Path, **options: object) -> SpanMatcher:
    loaded = SpanMatcher.from_pretrained(folder, device="cpu", dtype="float32", **options)  # type: ignore[arg-type]
    assert isinstance(loaded, SpanMatcher)
    return loaded


class TestThereAndBack:
    def test_what_is_pushed_is_loaded(self, hub: Hub, folder: Path) -> None:
        matcher = matcher_of(folder)
        matcher.calibration = Calibration(threshold=0.25)
        address = matcher.push_to_hub("me/mine", token=WRITES, commit_message="First")
        commit = hub.repositories["me/mine"].branches["main"][-1]
        assert address == f"{hub.address}/me/mine/commit/{commit.sha}" and commit.message == "First"
        loaded = matcher_of("me/mine")
        assert loaded.calibration == matcher.calibration
        assert loaded.predict(TEXT, TYPES) == matcher.predict(TEXT, TYPES)
        tagger = load_tagger("me/mine", device="cpu", dtype="float32")
        assert tagger.predict([TEXT], TYPES) == loaded.predict([TEXT], TYPES)

    def test_only_a_checkpoint_travels(self, hub: Hub, folder: Path) -> None:
        """... whether a matcher is pushed or a folder, and also on the way back."""
        matcher_of(folder).push_to_hub("me/pushed", token=WRITES)
        upload(folder, "me/uploaded", token=WRITES, commit_message="A folder")
        names = set(hub.files("me/pushed"))
        assert names == set(hub.files("me/uploaded")) and "private" not in str(hub.files("me/uploaded"))
        assert {name.partition("/")[0] for name in names} == {"config.json", "model.safetensors", "tokenizer", "README.md"}
        hub.files("me/pushed").update({"evil.py": b"1", "optimizer.pt": b"2", "checkpoint-8/model.safetensors": b"3"})
        found = download("me/pushed")
        assert {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()} == names

    def test_the_files_are_those_of_a_checkpoint(self, tiny_encoder: Path, tmp_path: Path) -> None:
        matcher = make_matcher(tiny_encoder, type_encoder="separate")
        matcher.calibration = Calibration(threshold=0.25)
        matcher.save_pretrained(tmp_path)
        written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
        assert not [name for name in written if not any(fnmatch.fnmatch(name, pattern) for pattern in FILES)]
        expected = set(FILES) - {"README.md", "*.onnx*", "model-*-of-*.safetensors", "model.safetensors.index.json"}
        assert not [pattern for pattern in expected if not fnmatch.filter(written, pattern)]

    def test_an_older_checkpoint_is_replaced(self, hub: Hub, tiny_encoder: Path, folder: Path) -> None:
        """Its second tokenizer and its thresholds would be read as part of the new one."""
        older = make_matcher(tiny_encoder, type_encoder="separate")
        older.calibration = Calibration(threshold=0.25)
        older.push_to_hub("me/mine", token=WRITES)
        hub.files("me/mine").update({"README.md": b"a card", "notes.txt": b"of the owner"})
        make_matcher(tiny_encoder).push_to_hub("me/mine", token=WRITES)
        names = {name.partition("/")[0] for name in hub.files("me/mine")}
        assert names == {"config.json", "model.safetensors", "tokenizer", "README.md", "notes.txt"}
        assert matcher_of("me/mine").calibration is None

    def test_the_card_names_the_model(self, hub: Hub, folder: Path) -> None:
        matcher_of(folder).push_to_hub("me/mine", token=WRITES)
        assert hub.files("me/mine")["README.md"].decode().endswith('SpanMatcher.from_pretrained("me/mine")\n')
        assert 'from_pretrained("mine")' in (folder / "README.md").read_text(encoding="utf-8")

    def test_private_or_not(self, hub: Hub, tiny_matcher: SpanMatcher) -> None:
        push_to_hub(tiny_matcher, "me/open", token=WRITES)
        push_to_hub(tiny_matcher, "me/private", token=WRITES, private=True)
        assert [hub.repositories[name].is_private for name in ("me/open", "me/private")] == [False, True]
        assert matcher_of("me/private", token=READS).predict(TEXT, TYPES) == tiny_matcher.predict(TEXT, TYPES)

    def test_the_token_of_the_environment(self, hub: Hub, tiny_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", WRITES)
        tiny_matcher.push_to_hub("me/private", private=True)
        with pytest.raises(InputError, match="log in"):
            download("me/private", token=False)
        assert matcher_of("me/private").predict(TEXT, TYPES) == tiny_matcher.predict(TEXT, TYPES)


class TestRevisions:
    @pytest.fixture
    def thresholds(self, hub: Hub, tiny_encoder: Path) -> Callable[..., float | None]:
        """The threshold of what is loaded: 0.25 in the branch v1, 0.5 in main."""
        matcher = make_matcher(tiny_encoder)
        for threshold, branch in ((0.25, "v1"), (0.5, None)):
            matcher.calibration = Calibration(threshold=threshold)
            matcher.push_to_hub("me/mine", token=WRITES, revision=branch)

        def threshold_of(name: str, **options: object) -> float | None:
            found = matcher_of(name, **options).calibration
            return found.threshold if found else None

        return threshold_of

    def test_of_a_keyword_or_of_the_name(self, hub: Hub, thresholds: Callable[..., float | None]) -> None:
        commit = hub.repositories["me/mine"].branches["v1"][-1].sha
        assert thresholds("me/mine") == thresholds("me/mine@main") == 0.5
        assert thresholds("me/mine", revision="v1") == thresholds("me/mine@v1") == thresholds(f"me/mine@{commit}") == 0.25
        found = load_tagger("me/mine", revision="v1", device="cpu").calibration
        assert found is not None and found.threshold == 0.25

    def test_what_was_downloaded_needs_no_hub(self, hub: Hub, thresholds: Callable[..., float | None]) -> None:
        assert thresholds("me/mine@v1") == 0.25
        hub.requests.clear()
        assert thresholds("me/mine@v1", local_files_only=True) == 0.25 and not hub.requests
        hub.is_down = True
        assert thresholds("me/mine@v1") == 0.25 and hub.requests

    def test_twice_or_of_a_folder(self, hub: Hub, folder: Path) -> None:
        with pytest.raises(InputError, match=r'me/mine@v1: another revision, "v2", is given, too; give one of them'):
            matcher_of("me/mine@v1", revision="v2")
        for name in (folder, "spanmatch-mini"):
            with pytest.raises(InputError, match=r'a local folder, which has no revision "v1"; leave out the revision'):
                load_tagger(name, revision="v1")
        assert not hub.requests


class TestRefusals:
    @pytest.fixture(autouse=True)
    def repositories(self, hub: Hub, tiny_matcher: SpanMatcher) -> None:
        tiny_matcher.push_to_hub("me/open", token=WRITES)
        hub.repositories |= {"me/gated": Repository(is_gated=True), "me/private": Repository(is_private=True)}

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("me/none", {}, "me/none: neither a local folder nor a hub model that you may see; check the name, or log in"),
            ("me/private", {}, "me/private: neither a local folder nor a hub model that you may see"),
            ("me/private", {"token": "hf_notknownhere"}, "me/private: the hub does not know the token, or there is none; log in"),
            ("me/gated", {"token": READS}, "me/gated: its owner has to admit you to this gated model; ask on its page"),
            ("me/open", {"revision": "v9"}, 'me/open: no revision "v9"; give a branch, a tag or a commit'),
            ("me/open@v9", {}, 'me/open: no revision "v9"; give a branch, a tag or a commit'),
            ("me/open", {"local_files_only": True}, "me/open: .* nor in the cache of this machine; leave out local_files_only"),
            ("me/o--n", {}, "me/o--n: no name of a hub model .*; give owner/name"),
            ("me/open", {"token": "hf_with space"}, "the token of the hub is empty or has characters that no token has; log in"),
            ("me/open", {"token": ""}, "the token of the hub is empty or has characters that no token has; log in"),
        ],
    )
    def test_of_a_download(self, name: str, options: dict[str, object], message: str) -> None:
        with pytest.raises(InputError, match=message) as refused:
            matcher_of(name, **options)
        self.check(refused.value)

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("me/mine", {}, "me/mine: the hub does not know the token, or there is none; log in"),
            ("me/mine", {"token": "hf_notknownhere"}, "me/mine: the hub does not know the token"),
            ("me/private", {"token": READS}, "me/private: the token may not do this; make one that may"),
            ("me/mine/more", {"token": WRITES}, "me/mine/more: no name of a hub model .*; give owner/name"),
        ],
    )
    def test_of_an_upload(self, name: str, options: dict[str, str], message: str, tiny_matcher: SpanMatcher) -> None:
        with pytest.raises(InputError, match=message) as refused:
            tiny_matcher.push_to_hub(name, **options)  # type: ignore[arg-type]
        self.check(refused.value)

    def test_a_card_that_the_hub_refuses(self, folder: Path) -> None:
        (folder / "README.md").write_text("---\nlicense: none at all\n---\n", encoding="utf-8")
        with pytest.raises(
            InputError, match=r"me/mine: the hub refuses the metadata of README.md .* one of mit.*; mend them"
        ) as told:
            matcher_of(folder).push_to_hub("me/mine", token=WRITES)
        self.check(told.value)

    def test_no_hub(self, hub: Hub, tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asks: list[Callable[[], object]] = [
            lambda: matcher_of("me/open"),
            lambda: tiny_matcher.push_to_hub("me/mine", token=WRITES),
        ]
        hub.is_down = True
        self.check_all(asks, "the hub answers with HTTP 503 .*; try again later")
        use_hub(monkeypatch, "http://127.0.0.1:9", str(tmp_path / "empty"))
        self.check_all(asks, "neither a local folder nor a hub model that can be read .*; check the path and the network")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        self.check_all(asks, "HF_HUB_OFFLINE is set; unset it to (down|up)load")

    def test_a_token_that_the_environment_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_notknownéhere")
        with pytest.raises(InputError, match="has characters that no token has") as refused:
            download("me/open")
        self.check(refused.value)

    def check_all(self, asks: list[Callable[[], object]], message: str) -> None:
        for ask in asks:
            with pytest.raises(InputError, match=message) as refused:
                ask()
            self.check(refused.value)

    @staticmethod
    def check(error: BaseException) -> None:
        """One line, with no token in it nor in what caused it."""
        assert "\n" not in str(error)
        cause: BaseException | None = error
        while cause is not None:
            assert not [token for token in (READS, WRITES, "notknown", "hf_with") if token in repr(cause) + str(cause)]
            cause = cause.__cause__ or cause.__context__


def test_a_command_takes_a_name_of_the_hub(hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, which knows the hub by the library's environment variables."""
    matcher_of(folder).push_to_hub("me/mine", token=WRITES, private=True, revision="v1")
    command = ["tag", "me/mine@v1", TEXT, "--types", "person", "--threshold", "0.001"]
    settings = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.address, "HF_TOKEN": READS, "HF_HOME": str(tmp_path / "home")}
    environment = offline_environment() | settings
    started = [sys.executable, "-m", "spanmatch", *command]
    ended = subprocess.run(started, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert json.loads(ended.stdout)["entities"]
    monkeypatch.setenv("HF_TOKEN", "hf_notknownhere")
    refused = spanmatch(*command)
    assert refused.status == 2 and "notknown" not in refused.err
    assert refused.err.startswith("error: me/mine: the hub does not know the token, or there is none; log in (hf auth login)")
