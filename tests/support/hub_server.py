"""A server on this machine that stands in for the Hub's API, as huggingface_hub 2.4 calls it.

It keeps repositories in memory: creates, takes files (small ones within the commit, weights by LFS), and
gives them out again with the sizes and hashes that it states.
"""

import base64
import hashlib
import http.server
import json
import re
from typing import Any

TOKEN = "hf_right"
USER = "someone"
TYPES = r"(?P<kind>models|spaces)/(?P<repo>[^/]+/[^/]+)"


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class HubServer:
    """repositories: (kind, name) -> its files; by_lfs: ends of names that go by LFS.

    log: "METHOD path" of each request; refusals: path of a request -> the status it gets; states: file ->
    what is said of it, in place of the truth.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], dict[str, bytes]] = {}
        self.created: list[dict[str, Any]] = []
        self.objects: dict[str, bytes] = {}
        self.by_lfs: tuple[str, ...] = (".safetensors",)
        self.refusals: dict[str, int] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                hub.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = handle_any

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def commit(self, kind: str, repo: str) -> str:
        """The commit's name: it changes with the files."""
        content = sorted(self.repositories[kind, repo].items())
        return hashlib.sha1(repr(content).encode()).hexdigest()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.headers.get("Transfer-Encoding") == "chunked":
            body = read_chunks(request.rfile)
        self.log.append(f"{request.command} {path}")
        if path in self.refusals:
            return reply(request, self.refusals[path], {"error": "refused"})
        for pattern, method in self.routes():
            if found := re.fullmatch(pattern, f"{request.command} {path}"):
                return method(request, body, **found.groupdict())
        return reply(request, 404, {"error": "no such thing"})

    def routes(self) -> list[tuple[str, Any]]:
        return [
            (r"GET /api/whoami-v2", self.whoami),
            (r"POST /api/repos/create", self.create),
            (r"POST /api/validate-yaml", lambda request, body: reply(request, 200, {})),
            (rf"GET /api/{TYPES}(/revision/(?P<revision>[^/]+))?", self.info),
            (rf"GET /api/{TYPES}/tree/[^/]+", self.tree),
            (rf"POST /api/{TYPES}/preupload/main", self.preupload),
            (rf"POST /api/{TYPES}/commit/main", self.take_commit),
            (r"POST /(spaces/)?[^/]+/[^/]+\.git/info/lfs/objects/batch", self.lfs_batch),
            (r"PUT /lfs/(?P<oid>[0-9a-f]{64})", self.lfs_put),
            (r"(GET|HEAD) /(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)", self.resolve),
        ]

    def whoami(self, request, body) -> None:
        if not self.known(request):
            return reply(request, 401, {"error": "Invalid credentials"})
        return reply(request, 200, {"type": "user", "name": USER, "auth": {"type": "access_token"}})

    def known(self, request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    def create(self, request, body) -> None:
        wanted = json.loads(body)
        owner, kind = wanted["organization"] or USER, f"{wanted.get('type', 'model')}s"
        if owner != USER:
            return reply(request, 403, {"error": "You don't have the rights to create a repo there"})
        repo = f"{owner}/{wanted['name']}"
        if (kind, repo) in self.repositories:
            return reply(request, 409, {"error": "exists", "url": f"{self.url}/{repo}"})
        self.created.append(wanted)
        self.repositories[kind, repo] = {".gitattributes": b"*.safetensors filter=lfs\n"}
        prefix = "spaces/" if kind == "spaces" else ""
        return reply(request, 200, {"url": f"{self.url}/{prefix}{repo}", "name": repo})

    def info(self, request, body, kind, repo, revision=None) -> None:
        if (kind, repo) not in self.repositories:
            return reply(request, 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if revision not in (None, "main", commit := self.commit(kind, repo)):
            return reply(request, 404, {"error": "no"}, {"X-Error-Code": "RevisionNotFound"})
        files = self.repositories[kind, repo]
        siblings = [self.sibling(name, content) for name, content in files.items()]
        return reply(
            request, 200, {"id": repo, "sha": commit or self.commit(kind, repo), "siblings": siblings}
        )

    def sibling(self, name: str, content: bytes) -> dict[str, Any]:
        said = {"rfilename": name, "size": len(content), "blobId": git_hash(content)}
        if name.endswith(self.by_lfs):
            said["lfs"] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "pointerSize": 1,
            }
        return said | self.states.get(name, {})

    def tree(self, request, body, kind, repo) -> None:
        files = self.repositories[kind, repo]
        rows = [{"type": "file", "path": n, "size": len(c), "oid": git_hash(c)} for n, c in files.items()]
        reply(request, 200, rows)

    def preupload(self, request, body, kind, repo) -> None:
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(self.by_lfs) else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        reply(request, 200, {"files": modes})

    def lfs_batch(self, request, body) -> None:
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.url}/lfs/{one['oid']}"}}}
            for one in json.loads(body)["objects"]
        ]
        reply(request, 200, {"transfer": "basic", "objects": objects})

    def lfs_put(self, request, body, oid) -> None:
        good = hashlib.sha256(body).hexdigest() == oid
        if good:
            self.objects[oid] = body
        reply(request, 200 if good else 400, {})

    def take_commit(self, request, body, kind, repo) -> None:
        if not self.known(request):
            return reply(request, 403, {"error": "no"})
        files = self.repositories[kind, repo]
        for line in body.decode().splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.objects[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        commit = self.commit(kind, repo)
        said = {"success": True, "commitOid": commit, "commitUrl": f"{self.url}/{repo}/commit/{commit}"}
        return reply(request, 200, said)

    def resolve(self, request, body, repo, revision, name) -> None:
        content = self.repositories.get(("models", repo), {}).get(name)
        if content is None:
            return reply(request, 404, {"error": "no"}, {"X-Error-Code": "EntryNotFound"})
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": self.commit("models", repo),
            "Content-Type": "application/octet-stream",
        }
        return reply(request, 200, content, headers)


def read_chunks(stream) -> bytes:
    parts = []
    while size := int(stream.readline().strip() or b"0", 16):
        parts.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(parts)


def reply(request, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request.send_response(status)
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
