"""A PostgreSQL server of a test's own: made in a temporary folder, on a socket there, ended with the test."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"


def find_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return debian[-1].parent if debian else None


def servers_user() -> str | None:
    """Return whom the server runs as: it refuses root."""
    import pwd  # not on Windows

    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {one.pw_name for one in pwd.getpwall()}
    return next((name for name in (USER, "nobody") if name in names), None)


@contextmanager
def postgres(programs: Path, user: str) -> Iterator[str]:
    """Yield the URL of an empty database; nothing listens on the network."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path has at most 107 letters
    if os.geteuid() == 0:
        shutil.chown(folder, user)

    def call(program: str, *words: str) -> None:
        command = [str(programs / program), *words]
        log = folder / "called.log"
        with open(log, "ab") as output:
            done = subprocess.run(command, user=user if os.geteuid() == 0 else None, cwd=folder,
                                  stdout=output, stderr=output, timeout=60, check=False)  # fmt: skip
        assert done.returncode == 0, log.read_text()

    data = str(folder / "data")
    try:
        call("initdb", "--pgdata", data, "--username", USER, "--auth", "trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c shared_buffers=16MB"
        call(
            "pg_ctl", "start", "--wait", "--pgdata", data, "--log", str(folder / "server.log"), "-o", options
        )
        try:
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            call("pg_ctl", "stop", "--wait", "--mode", "immediate", "--pgdata", data)
    finally:
        shutil.rmtree(folder)
