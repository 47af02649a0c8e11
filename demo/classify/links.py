"""Where the code, the networks and the data lie, and the lines that ask this page from a program, as HTML.

On a Space a visitor's lines name the Space; elsewhere they name the address at which the page is open.
"""

import html
import os

from cifar_core.datasets import CIFAR10, DATA_SETS
from demo.classify.render import code_html

HUB = "https://huggingface.co"
HERE = "{HERE}"  # stands for the page's own address until FILL_IN has run in the browser
API, NETWORKS = "use-via-api", "networks"  # the folds' ids
FILL_IN = f'(text) => text.replaceAll("{HERE}", location.origin + location.pathname.replace(/\\/+$/, ""))'
UNFOLD = (
    "event.preventDefault(); const fold = document.getElementById(this.hash.slice(1)); "
    "const head = fold.querySelector('button.label-wrap'); "
    "if (!head.classList.contains('open')) head.click(); "
    "fold.scrollIntoView({behavior: 'smooth'}); head.focus();"
)
PYTHON = """from gradio_client import Client, handle_file

client = Client("{client}")
answer = client.predict(picture=handle_file("photo.jpg"), api_name="/classify")
print(answer["top"])"""
SHELL = r"""URL={url}/gradio_api
FILE=$(curl -s -F files=@photo.jpg $URL/upload | cut -d '"' -f 2)
PICTURE="{{\"path\": \"$FILE\", \"orig_name\": \"photo.jpg\", \"meta\": {{\"_type\": \"gradio.FileData\"}}}}"
EVENT=$(curl -s $URL/call/v2/classify -H 'Content-Type: application/json' \
  -d "{{\"picture\": $PICTURE}}" | cut -d '"' -f 4)
curl -s -N $URL/call/classify/$EVENT"""


def links_html(data: str = CIFAR10.name) -> str:
    """Links to the code, the networks, the data and the API; a checkout has its code in its own folder.

    data: what the network learned from, as its settings name it; only what is published has a link.
    """
    space = os.environ.get("SPACE_ID")
    files = f"{HUB}/spaces/{space}/tree/main"
    known = DATA_SETS.get(data)
    repository = known.whole.hub.repo if known else ""
    places = {
        "Code": files if space else "",
        "Networks": f"{files}/checkpoints" if space else f"#{NETWORKS}",
        "Data": f"{HUB}/datasets/{repository}" if repository else "",
        "Use via API": f"#{API}",
    }
    links = [_link(name, place) for name, place in places.items() if place]
    return f'<nav class="links" aria-label="About this page">{"".join(links)}</nav>'


def _link(name: str, place: str) -> str:
    more = f' onclick="{UNFOLD}"' if place.startswith("#") else ' target="_blank" rel="noopener"'
    return f'<a href="{html.escape(place)}"{more}>{name}</a>'


def python_program() -> str:
    """The program that asks this page about photo.jpg."""
    return PYTHON.format(client=os.environ.get("SPACE_ID") or HERE)


def shell_program() -> str:
    """The same with curl alone: upload, ask, read the answer."""
    host = os.environ.get("SPACE_HOST")
    return SHELL.format(url=f"https://{host}" if host else HERE)


def api_html() -> str:
    """The fold's text: what can be asked, in Python and in a shell."""
    return (
        '<section class="share"><p>The page answers programs too, with JSON: <code>/classify</code> for one '
        "picture, <code>/classify_batch</code> for several, <code>/models</code> for the networks on offer. "
        "Put your picture in the place of photo.jpg.</p>"
        f"<h3>In Python, after pip install gradio_client</h3>{code_html(python_program())}"
        f"<h3>In a shell</h3>{code_html(shell_program())}</section>"
    )
