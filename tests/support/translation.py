"""What Chrome's translation does to a page: each text goes into two <font> elements, anew when it changes."""

from collections.abc import Iterator
from contextlib import contextmanager

# The places that it leaves alone: translate="no" and class "notranslate", code, drawings, what is typed.
TRANSLATE = """() => {
    const LEFT = "[translate=no], .notranslate, script, style, svg, code, textarea, font[data-translated]"
    const translated = node => {
        if (!node.data.trim() || !node.parentElement || node.parentElement.closest(LEFT)) return
        const [outer, inner] = [0, 1].map(() => document.createElement("font"))
        outer.dataset.translated = inner.dataset.translated = ""
        inner.textContent = node.data.toUpperCase()
        outer.append(inner)
        node.replaceWith(outer)
        window.translations = (window.translations ?? 0) + 1
    }
    const all = root => {
        if (root.nodeType === Node.TEXT_NODE) return translated(root)
        const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), found = []
        while (walk.nextNode()) found.push(walk.currentNode)
        found.forEach(translated)
    }
    all(document.body)
    new MutationObserver(changes => setTimeout(() => changes.forEach(change => {
        if (change.type === "characterData" && change.target.isConnected) all(change.target)
        change.addedNodes.forEach(node => node.isConnected && all(node))
    }), 100)).observe(document.body, {subtree: true, childList: true, characterData: true})
}"""
TROUBLE = ("removeChild", "insertBefore", "NotFoundError", "React error", "Uncaught")


@contextmanager
def watched(tab) -> Iterator[None]:
    """Fail where the page reports that a part of it could not be drawn, or shows that it has crashed."""
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    yield
    found = [error for error in errors if any(word in error for word in TROUBLE)]
    assert not found, found[:3]
    assert not tab.get_by_test_id("stException").count() and len(tab.inner_text("body")) > 100
