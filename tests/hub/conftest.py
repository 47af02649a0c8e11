"""A stand-in of the Hub that huggingface_hub talks to, with its token, and an empty cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_server import TOKEN, HubServer
from tests.support.ports import serving


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    from huggingface_hub import constants

    server = HubServer()
    with serving(server.server):
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def legacy_lfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Xet, whose storage has no stand-in: files go by plain LFS."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
