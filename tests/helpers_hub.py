"""A hub on this machine: over HTTP, it speaks as much as downloading and uploading a model takes.

All files are "regular" ones: their content travels within a commit. The real hub takes large files through its own storage.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

# The tokens that the hub knows.
WRITES, READS = "hf_tokenthatmaywrite", "hf_tokenthatmayread"
Files = dict[str, bytes]


def digest(content: bytes) -> str:
    """The name of a file or a commit by its content, as git has it."""
    return hashlib.sha1(content).hexdigest()


@dataclass(kw_only=True)
class Commit:
    """What was committed."""

    message: str
    files: Files

    @property
    def sha(self) -> str:
        """Its name."""
        return digest(repr((self.message, sorted(self.files.items()))).encode())


@dataclass(kw_only=True)
class Repository:
    """A repository, and who may see it."""

    branches: dict[str, list[Commit]] = field(default_factory=lambda: {"main": [Commit(message="initial", files={})]})
    is_private: bool = False
    is_gated: bool = False

    def commit(self, revision: str) -> Commit | None:
        """The last commit of a branch, or the one of that name."""
        named = {commit.sha: commit for branch in self.branches.values() for commit in branch}
        return self.branches[revision][-1] if revision in self.branches else named.get(revision)


@dataclass(kw_only=True)
class Hub:
    """The hub: its address, its repositories, and the requests that it got."""

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    is_down: bool = False

    def files(self, repo_id: str, revision: str = "main") -> Files:
        """The files of a revision."""
        found = self.repositories[repo_id].commit(revision)
        assert found is not None
        return found.files


class Refused(Exception):
    """An answer that is an error: status, the hub's code for it, words, and what there is instead."""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, hub: Hub, *arguments: Any) -> None:
        self.hub = hub
        super().__init__(*arguments)

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        headers: dict[str, str] = {}
        try:
            status, found = 200, self.found(path, body)
        except Refused as error:
            status, code, words, *url = error.args
            found = {"error": words, "errors": [{"message": words}], "url": "".join(url)}
            headers = {"X-Error-Code": code, "X-Error-Message": words}
        if isinstance(found, Commit):
            name = path.partition("/resolve/")[2].partition("/")[2]
            headers = {"X-Repo-Commit": found.sha, "ETag": f'"{digest(found.files[name])}"'}
        content = found.files[name] if isinstance(found, Commit) else json.dumps(found).encode()
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def found(self, path: str, body: bytes) -> Any:
        """What a request gets: JSON, or the commit that has the file."""
        if self.hub.is_down:
            raise Refused(503, "", "down for maintenance")
        if path == "/api/repos/create":
            return self.created(json.loads(body))
        if path == "/api/validate-yaml":
            if "license: none at all" in json.loads(body)["content"]:
                raise Refused(400, "", '"license" must be one of mit, ...')
            return {"errors": [], "warnings": []}
        asked = re.fullmatch(r"(?:/api/models)?/([^/]+/[^/]+)(?:/(\w+)(?:/(.*))?)?", path)
        if asked is None:
            raise Refused(404, "", f"no such page: {path}")
        repo_id, action, rest = asked.groups()
        repository = self.readable(repo_id)
        if action == "branch":
            self.check_may_write()
            repository.branches.setdefault(rest, repository.branches["main"][:])
            return {}
        revision = (rest or "main").partition("/")[0] if action == "resolve" else rest or "main"
        commit = repository.commit(revision)
        if commit is None:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if action == "preupload":
            files = [item["path"] for item in json.loads(body)["files"]]
            oids = {name: digest(b"blob %d\0" % len(content) + content) for name, content in commit.files.items()}
            return {"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False, "oid": oids.get(n)} for n in files]}
        if action == "commit":
            self.check_may_write()
            return self.committed(repo_id, revision, commit, body)
        if action == "tree":
            return [
                {"type": "file", "path": name, "size": len(content), "oid": digest(content)}
                for name, content in commit.files.items()
            ]
        if action == "resolve":
            if rest.partition("/")[2] not in commit.files:
                raise Refused(404, "EntryNotFound", "no such file")
            return commit
        return {"id": repo_id, "sha": commit.sha, "siblings": [{"rfilename": name} for name in commit.files]}

    def token(self) -> str:
        """The token of the request, which has to be a known one."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in {"", WRITES, READS}:
            raise Refused(401, "", "Invalid credentials in Authorization header")
        return token

    def check_may_write(self) -> None:
        """Refuse who may not write."""
        if self.token() != WRITES:
            raise Refused(403 if self.token() else 401, "", "you may not write here")

    def readable(self, repo_id: str) -> Repository:
        """The repository, if whoever asks may see it."""
        repository = self.hub.repositories.get(repo_id)
        if repository is None or (repository.is_private and not self.token()):
            raise Refused(404 if self.token() else 401, "RepoNotFound", "Repository not found")
        if repository.is_gated:
            raise Refused(403, "GatedRepo", f"Access to model {repo_id} is restricted")
        self.token()
        return repository

    def created(self, asked: dict[str, Any]) -> dict[str, str]:
        """Make a repository."""
        self.check_may_write()
        repo_id = f"{asked['organization']}/{asked['name']}"
        if repo_id in self.hub.repositories:
            raise Refused(409, "", "You already created this model repo", f"{self.hub.address}/{repo_id}")
        self.hub.repositories[repo_id] = Repository(is_private=asked.get("visibility") == "private")
        return {"url": f"{self.hub.address}/{repo_id}"}

    def committed(self, repo_id: str, revision: str, before: Commit, body: bytes) -> dict[str, Any]:
        """Add a commit to a branch."""
        files, message = dict(before.files), ""
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        new = Commit(message=message, files=files)
        self.hub.repositories[repo_id].branches[revision].append(new)
        return {"commitUrl": f"{self.hub.address}/{repo_id}/commit/{new.sha}", "commitOid": new.sha}


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a hub on a free port."""
    hub = Hub()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, hub)) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def use_hub(monkeypatch: pytest.MonkeyPatch, address: str, cache: str) -> None:
    """Have this process ask a hub of that address, and keep what it downloads elsewhere; it has read its environment already."""
    settings = {"ENDPOINT": address, "HF_HUB_OFFLINE": False, "HF_HUB_CACHE": cache, "HF_TOKEN_PATH": f"{cache}/token"}
    settings |= {"HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}"}
    for name, value in settings.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
