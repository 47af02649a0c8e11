"""The block at the top of a Space's README.md that tells the Hub what it is and how to start it.

Its fields: huggingface.co/docs/hub/spaces-config-reference.
"""

from pathlib import Path
from typing import Any

from cifar_core.paths import PROJECT_ROOT
from cifar_core.space.requirements import PYTHON, pins

GRADIO_APPS = {"cpu": Path("demo/app.py"), "zerogpu": Path("demo/zero_gpu.py")}
DASHBOARD = Path("demo/dashboard.py")
FLAVORS = {"cpu": "cpu-basic", "zerogpu": "zero-a10g"}  # the Hub's names; ZeroGPU kept that of its first GPU
PORT = 7860
DATA_SET = "uoft-cs/cifar10"


def front_matter(
    sdk: str = "gradio", hardware: str = "cpu", models: list[str] | None = None, root: Path = PROJECT_ROOT
) -> str:
    """The block with its two lines of dashes; sdk: "gradio" or "docker"; models: their ids on the Hub."""
    from huggingface_hub import CardData

    fields: dict[str, Any] = {
        "title": "CIFAR-10 Lab",
        "emoji": "🔍",
        "colorFrom": "blue",
        "colorTo": "indigo",
        **({"sdk": "docker", "app_port": PORT} if sdk == "docker" else _gradio(hardware, root)),
        "license": "apache-2.0",
        "short_description": "Small image classifiers, seen from the inside",
        "suggested_hardware": FLAVORS[hardware],
        **({"models": models} if models else {}),
        "datasets": [DATA_SET],
    }
    return f"---\n{CardData(**fields).to_yaml()}\n---\n"


def _gradio(hardware: str, root: Path) -> dict[str, str]:
    return {
        "sdk": "gradio",
        "sdk_version": pins(root)["gradio"],
        "python_version": PYTHON[hardware],  # YAML would read a bare 3.10 as 3.1: the dump quotes it
        "app_file": GRADIO_APPS[hardware].as_posix(),
    }


def read_front_matter(readme: str) -> dict[str, Any]:
    """The fields of a README's block; none where there is no block or it is damaged."""
    from huggingface_hub import RepoCard

    try:
        return dict(RepoCard(readme, ignore_metadata_errors=True).data.to_dict())
    except ValueError:
        return {}
