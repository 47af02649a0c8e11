"""How an answer is kept, shared and had again: its document, and the lines that give the same. Pure, HTML."""

import base64
import html
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.images.crop import Crop

COPY = (
    '<button type="button" class="copy" onclick="navigator.clipboard.writeText(this.dataset.text)'
    '.then(() => {{ this.textContent = \'Copied\' }})" data-text="{text}">{label}</button>'
)


def share_html(documents: Sequence[Mapping[str, Any]], crop: Crop, top: int) -> str:
    """Which networks answered, links to keep the answers, and how to get them again without this page."""
    who = " and ".join(f"{one['network']}, version {one['version']}" for one in documents)
    text = json.dumps(documents[0] if len(documents) == 1 else list(documents), indent=1)
    lines = "\n".join(shell_line(one["picture"], one["network"], crop, top) for one in documents)
    code = python_lines(documents[0]["picture"], documents[0]["network"], crop, top)
    return (
        f'<section class="share"><p>Answered by {html.escape(who)}.</p>'
        f"<p>{download_link(text, 'answer.json', 'application/json', 'Download as JSON')}"
        f"{copy_button(text, 'Copy as JSON')}</p>"
        f"<h3>The same answer in a terminal</h3>{_code(lines)}<h3>In Python</h3>{_code(code)}</section>"
    )


def shell_line(path: str, network: str, crop: Crop, top: int) -> str:
    """The command that gives the same document."""
    parts = ["python", "-m", "cifar_core", "predict", path, "--checkpoint", network, "--top", str(top)]
    if crop.turn:
        parts += ["--turn", f"{crop.turn:g}"]
    if crop.zoom != 1:
        parts += ["--zoom", f"{crop.zoom:g}"]
    if crop.right or crop.down:
        parts += ["--shift", f"{crop.right:g}", f"{crop.down:g}"]
    return shlex.join([*parts, "--json"])


def python_lines(path: str, network: str, crop: Crop, top: int) -> str:
    """The program that gives the same probabilities."""
    picture = "picture"
    lines = [
        "from pathlib import Path",
        "from cifar_core import Classifier, decode_image",
        "",
        f"picture = decode_image(Path({path!r}).read_bytes())",
    ]
    if not crop.whole:
        lines.insert(2, "from cifar_core.images.crop import Crop, cropped")
        given = ", ".join(f"{name}={value:g}" for name, value in crop.to_json().items())
        picture = f"cropped(picture, Crop({given}))"
    lines.append(f"print(Classifier.load({network!r}).predict([{picture}], top={top})[0].top)")
    return "\n".join(lines)


def download_link(text: str, name: str, kind: str, label: str) -> str:
    """A link that holds its file, so that nothing is kept on the server."""
    data = base64.b64encode(text.encode()).decode()
    return f'<a class="download" download="{name}" href="data:{kind};base64,{data}">{html.escape(label)}</a>'


def copy_button(text: str, label: str) -> str:
    """A button that puts `text` on the clipboard."""
    return COPY.format(text=html.escape(text), label=html.escape(label))


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>{copy_button(text, "Copy")}'
