"""`python demo/app.py --public` under attack: every upload gets its answer, and nothing else can be reached.

Each known weakness of Gradio's past is tried once (the advisory's number beside it): a canary file outside
the uploads' folder must not be read, and a local server must not be asked for anything.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from cifar_core.images.decode import MAX_BYTES, decode_image
from tests.support.classify_caller import FILE
from tests.support.hostile_uploads import UPLOADS, Upload, quarters, saved
from tests.support.public_host import Host
from tests.support.toy_checkpoints import save_toy

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.slow,
]  # starting the server takes 10 s, and much longer on a busy machine
CANARY = "canary-5e8f1c0d"
PICTURE = saved(quarters(), "PNG")
SMALL = [upload for upload in UPLOADS if len(upload.data) <= MAX_BYTES]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The public page; ended as an operator ends it, with a quiet log and no picture left."""
    folder = tmp_path_factory.mktemp("public")
    (folder / "tmp").mkdir()
    for place in (folder, folder / "tmp"):
        (place / "canary.txt").write_text(CANARY)
        (place / "canary.png").write_bytes(PICTURE + CANARY.encode())
    save_toy(folder / "toy.v1")
    host = Host(folder)
    yield host
    host.close()
    assert host.process.returncode == 0
    output = host.log.read_text()
    assert "Traceback" not in output and CANARY not in output and "PNG" not in output, output
    assert max(map(len, output.splitlines())) < 300, "strangers' words in the log"
    assert not list((folder / "tmp").glob("cifar10-lab-uploads-*")), "uploads were left behind"


@pytest.fixture(scope="module", autouse=True)
def asked() -> Iterator[str]:
    """A server that must not be asked for anything; its address."""
    paths: list[str] = []

    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CANARY.encode())

        do_HEAD = do_POST = do_GET

    server = HTTPServer(("127.0.0.1", 0), Note)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    assert paths == []


def check_answer(upload: Upload, kind: str, data: str, host: Host) -> None:
    """The right picture's probabilities and its note, or the one sentence; never a trace."""
    assert kind == "complete" and "Traceback" not in data, data[:500]
    text = json.dumps(json.loads(data), ensure_ascii=False)
    found = re.findall(r'"label": "(\w+)", "probability": ([\d.e-]+)', text)
    if upload.corners:
        (expected,) = host.classifier.predict([decode_image(upload.data)], top=3)
        assert [label for label, _ in found[:3]] == [label for label, _ in expected.top]
        assert [float(p) for _, p in found[:3]] == pytest.approx([p for _, p in expected.top], abs=1e-4)
        assert upload.note in text
    else:
        assert upload.sentence in text and not found


def test_every_hostile_upload_through_the_api_and_the_page(host: Host) -> None:
    assert len(SMALL) >= 100
    for upload in SMALL:
        payload = host.sent(upload.data)
        check_answer(upload, *host.ask(payload), host)
        check_answer(upload, *host.click(payload), host)


def test_gradios_client_gets_pictures_and_sentences(host: Host, tmp_path: Path) -> None:
    client = Client(host.url, verbose=False, download_files=tmp_path)
    for upload in SMALL[::12]:
        file = tmp_path / "wrong extension.docx"
        file.write_bytes(upload.data)
        answer = client.predict(handle_file(file), api_name="/classify")
        check_answer(upload, "complete", json.dumps(answer), host)
    client.close()


def reads_nothing(host: Host, response: httpx.Response) -> None:
    assert response.status_code in (400, 401, 403, 404, 405, 422), (response.url, response.status_code)
    assert CANARY not in response.text and "root:" not in response.text and "Traceback" not in response.text


# {outside} and {beside}: files with the canary; {uploads}: where uploads lie, {uploaded} one of them;
# {asked}: a server that must not be asked; {up}: far up.
FILE_ADDRESSES = (
    "file={outside}",  # CVE-2023-34239, CVE-2023-51449
    "file={beside}",
    "file={uploaded.parent}{up}{outside}",  # CVE-2023-51449
    "file={uploads}/../canary.txt",  # CVE-2024-47164
    "file={uploads}2/../canary.txt",
    "file={uploaded}/../../../canary.txt",
    "file={uploads}/..%2Fcanary.txt",
    "file={uploads}/%2e%2e/canary.txt",
    "file={uploads}/%252e%252e/canary.txt",
    "file={uploads}/..%5Ccanary.txt",
    "file={uploads}/link.png",
    "file={outside}::$DATA",  # CVE-2024-12217
    "file={OUTSIDE}",  # CVE-2025-23042
    "file=//127.0.0.1{outside}",  # CVE-2024-34510
    "file=\\\\127.0.0.1\\share",
    "file=file://{outside}",
    "file=/proc/self/environ",
    "file=/etc/passwd",
    "file=app.py",
    "file=%00",
    "file=" + "a/" * 3000,
    "file={asked}/canary",  # CVE-2024-1728 and CVE-2024-8021: fetched, or redirected to
    "file=http:%2F%2F{asked_place}",
    "file/{outside}",
)
OTHER_ADDRESSES = (
    "proxy={asked}/canary",  # CVE-2024-2206, CVE-2026-28416
    "proxy=http://169.254.169.254/latest/meta-data/",
    "custom_component/..%2f/component/client/..%2f..%2f{outside}",
    "stream/a/b/1/{up}{outside}",
    "deep_link?session_hash=a",
    "runs",
    "run-history/records",
    "profiling/traces",
    "vibe-code",
    "dev/reload",
)
PAGE_ADDRESSES = ("static{up}{outside}", "assets/..%2f..%2f{outside}", "svelte{up}{outside}", "monitoring")


@pytest.fixture(scope="module")
def places(host: Host, asked: str) -> dict[str, object]:
    """The values of the addresses' names in braces; a link from the uploads to the canary is there too."""
    outside = f"{host.folder}/canary.txt"
    (host.uploads / "link.png").symlink_to(outside)
    return {
        "outside": outside,
        "OUTSIDE": outside.upper(),
        "beside": f"{host.folder}/tmp/canary.txt",
        "uploads": host.uploads,
        "uploaded": Path(host.sent(PICTURE)["path"]),
        "up": "/.." * 12,
        "asked": asked,
        "asked_place": asked.removeprefix("http://"),
    }


@pytest.mark.parametrize("address", [*FILE_ADDRESSES, *OTHER_ADDRESSES], ids=lambda one: one[:60])
def test_no_address_gives_out_a_file(address: str, host: Host, places: dict[str, object]) -> None:
    for prefix in ("", "prefix/"):
        reads_nothing(host, host.http.get(f"{prefix}gradio_api/{address.format(**places)}"))


@pytest.mark.parametrize("address", PAGE_ADDRESSES)
def test_no_page_gives_out_a_file(address: str, host: Host, places: dict[str, object]) -> None:
    reads_nothing(host, host.http.get(address.format(**places)))


def test_no_path_without_normalization_gives_out_a_file(host: Host) -> None:
    """As `curl --path-as-is` sends it: httpx would take the dots away."""
    port = int(host.url.rstrip("/").rpartition(":")[2])
    for path in (
        f"/gradio_api/file={host.uploads}/../canary.txt",
        "/assets/../../../../etc/passwd",
        "/../etc/passwd",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
        assert re.match(r"HTTP/1.1 40[034]", answer), answer[:200]
        assert CANARY not in answer and "root:" not in answer


def payloads(host: Host, asked: str) -> list[object]:
    outside = f"{host.folder}/canary.png"
    paths = [
        outside,  # CVE-2024-0964, CVE-2024-1561
        f"{host.uploads}/../canary.png",
        f"{host.folder}/tmp/canary.png",
        "toy.v1/card.json",
        "/proc/self/environ",
        f"file://{outside}",
        f"{asked}/canary.png",  # CVE-2024-4325, CVE-2024-47167
        f"HTTP://{asked.removeprefix('http://')}",
        f" {asked}",
        "ftp://127.0.0.1/canary.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "\0",
        "",
        "a" * 5000,
        ".",
        str(host.uploads),
    ]
    odd: list[object] = ["text", 5, [], {}, True, [[[]]]]
    odd += [{"path": None, **FILE}, {"path": {}, **FILE}, {"path": ["a"]}]
    for path in paths:
        odd += [
            {"path": path, **FILE},
            {"path": path},
            {"path": path, "url": f"{asked}/a", "is_stream": True, **FILE},
        ]
    odd += [{"url": "data:image/png;base64,AAAA"}, {"url": f"{asked}/canary.png", **FILE}]
    odd += [{"path": "a.png", "url": f"file://{outside}", **FILE}]
    return [*odd, {"path": outside, "meta": {"_type": "gradio.FileData"}, "orig_name": "../../x", "size": -1}]


def test_no_payload_makes_it_read_a_file_or_an_address(host: Host, asked: str) -> None:
    for payload in payloads(host, asked):
        data = "".join(host.ask_all(payload))
        assert "probability" not in data, payload
        assert CANARY not in data and "Traceback" not in data and 'File \\"' not in data, (payload, data)
    assert all("probability" in data for data in host.ask_all(host.sent(PICTURE)))


@pytest.mark.parametrize(
    "name",
    [
        *("../../x.png", "..\\..\\x.png", "/etc/cron.d/x", "..", ".", "", "a\0b.png", "CON"),
        *("a" * 300 + ".png", "<img src=x onerror=alert(1)>.svg", "Bild ä 图片 \u202egnp.exe"),
        *("%2e%2e%2fx.png", "a;b|c&d$(e).png"),
    ],
)
def test_a_hostile_name_stays_in_the_folder(name: str, host: Host) -> None:
    before = {path for path in host.folder.rglob("*") if host.uploads not in path.parents}
    response = host.http.post("gradio_api/upload", files={"files": (name, PICTURE)})
    assert response.status_code in (200, 400) and "Traceback" not in response.text
    if response.status_code == 200:
        (path,) = response.json()
        assert Path(path).resolve().is_relative_to(host.uploads) and len(Path(path).name) < 256
        is_hidden = Path(path).name.startswith(".")  # which Gradio takes, and then gives to nobody
        assert ("probability" in host.ask({"path": path, **FILE})[1]) != is_hidden
    assert {path for path in host.folder.rglob("*") if host.uploads not in path.parents} == before


def test_what_the_upload_route_cannot_take_is_refused(host: Host) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nx\r\n'
    bodies: list[tuple[dict[str, str], bytes]] = [
        ({"Content-Type": "image/png"}, PICTURE),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data"}, part),
        (form, b""),
        (form, b"--b--\r\n"),
        (form, b"no form at all"),
        (form, part * 1001 + b"--b--\r\n"),
        (form, b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--b--\r\n'),
        (form, b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\nx\r\n--b--\r\n"),
        (form, part + b"--b--" + b"-" * 10**6),  # CVE-2024-8966
        ({"Content-Type": f"multipart/form-data; boundary={'b' * 4000}"}, part),
        (form, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * (5 * MAX_BYTES + 2**20)),
    ]
    for headers, body in bodies:
        response = host.http.post("gradio_api/upload", headers=headers, content=body)
        assert response.status_code in (200, 400, 413), (headers, body[:60], response.status_code)
        assert ("Traceback" not in response.text and len(response.text) < 2000) or response.status_code == 200
    too_large = host.http.post("gradio_api/upload", files={"files": ("a.png", PICTURE + bytes(MAX_BYTES))})
    assert too_large.status_code == 413


def test_a_thousand_files_at_once_leave_it_well(host: Host) -> None:
    files = [("files", (f"{number}.png", b"%d" % number)) for number in range(1000)]
    assert len(host.http.post("gradio_api/upload", files=files).json()) == 1000
    assert "probability" in host.ask(host.sent(PICTURE))[1]


def test_routes_of_no_use_here_are_closed(host: Host) -> None:
    server_call: dict[str, object] = {"session_hash": "a", "component_id": 1, "data": "/etc/passwd"}
    server_call["fn_name"] = "move_resource_to_block_cache"
    posts: list[tuple[str, object]] = [
        ("gradio_api/component_server", server_call),  # CVE-2024-1561
        ("gradio_api/process_recording", {}),
        ("gradio_api/vibe-edit", {"prompt": "a"}),
        ("gradio_api/run-history/connect", {}),
        ("gradio_api/stream/abc", {"data": []}),
        ("login", {"username": "a", "password": "b"}),
    ]
    for path, body in posts:
        reads_nothing(host, host.http.post(path, json=body))
    odd = ['{"data": [], "fn_index": 10000}', '{"data": [null], "fn_index": -1, "session_hash": "a"}']
    for path in ("queue/join", "call/classify", "run/classify", "cancel"):
        for text in ("", "{", "[]", "null", '{"data": 5}', *odd, "[" * 90_000):
            json_type = {"Content-Type": "application/json"}
            response = host.http.post(f"gradio_api/{path}", content=text.encode(), headers=json_type)
            assert response.status_code < 500, (path, text[:80], response.text[:300])
            assert "Traceback" not in response.text and "site-packages" not in response.text
    body = {"data": ["x" * 2**21], "fn_index": 0, "session_hash": "a"}
    large = host.http.post("gradio_api/queue/join", json=body)
    assert large.status_code in (400, 413)


def test_other_pages_may_not_ask_in_a_visitors_name(host: Host) -> None:
    """CVE-2024-47084, CVE-2025-5320: a page on the web may not use a local page of ours."""
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        headers = host.http.get("config", headers={"Origin": origin}).headers
        assert headers.get("Access-Control-Allow-Origin") != origin


def test_it_is_alive_afterwards(host: Host) -> None:
    assert host.process.poll() is None
    assert host.http.get("/").status_code == 200
    assert "probability" in host.ask(host.sent(PICTURE))[1]
