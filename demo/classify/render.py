"""HTML of what became of pictures: the class in words, bars, how sure it is, what happened inside, a table.

Pure functions. Every text that comes from outside is escaped; page.css has the look.
"""

import base64
import html
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.images.crop import Crop
from cifar_core.inference.prediction import Prediction
from cifar_core.runs.history import Shares
from demo.classify.about import describe_alarm
from demo.classify.answers import Answer, Answered
from demo.classify.share import csv_text, python_lines, shell_line
from demo.shared.format import begun, counted, in_words, isolated, listed, whole_percent
from demo.shared.palette import class_color
from demo.shared.pictures import bar_key, bar_parts, data_uri, image_tag, spoken

LIKELY_FROM = 0.70  # the first class alone has at least this, where it is not sure
TWO_FROM = 0.60  # the first two together have at least this; below, no class stands out
COPY = (
    '<button type="button" class="copy" onclick="navigator.clipboard.writeText(this.dataset.text)'
    '.then(() => {{ this.textContent = \'Copied\' }})" data-text="{text}">{label}</button>'
)

Top = Sequence[tuple[str, float]]  # (class, probability), the most probable first
Parts = tuple[str, str, str, Any]  # answer, what happened inside, how to share it (HTML); the JSON


def parts(answered: Answered) -> Parts:
    """The parts of the page for one picture; of two networks' answers, side by side."""
    responses = answered.responses
    if answered.problem:
        return problem_html(answered.problem), "", "", responses[0]
    answers = answered.answers
    titles = [answer.network for answer in answers] if len(answers) > 1 else [""]
    titled = list(zip(answers, titles, strict=True))
    head = "".join(_answer(answered, answer, title) for answer, title in titled)
    if len(answers) > 1:
        head = f'<p class="agree">{html.escape(agreement(answers))}</p><div class="pair">{head}</div>'
    inside = "".join(_inside(answer, title) for answer, title in titled)
    return head, inside, share_html(answered), responses[0] if len(answers) == 1 else responses


def problem_html(sentence: str) -> str:
    """One sentence in place of an answer."""
    return f'<p class="problem" role="alert">{html.escape(sentence)}</p>'


def quiet_html(sentence: str) -> str:
    """One sentence of the second rank."""
    return f'<p class="quiet">{html.escape(sentence)}</p>'


def agreement(answers: Sequence[Answer]) -> str:
    """Return whether two networks agree, in one sentence."""
    first, second = (answer.prediction.label for answer in answers)
    if first == second:
        return f"Both say {first}"
    return f"{answers[0].network} says {first}, {answers[1].network} says {second}"


def is_none(answer: Prediction) -> bool:
    """Return whether the picture looks like none of the classes: as measured, or where nothing stands out."""
    (_, first), (_, second) = answer.top[:2]
    return first + second < TWO_FROM and not answer.sure if answer.known is None else not answer.known


def headline(answer: Prediction, kinds: int) -> str:
    """ "Key", "Cup, at the left", "Probably cup", "Cup or key" or "None of the five"; kinds: of classes."""
    (first, probability), (second, _) = answer.top[:2]
    if is_none(answer):
        return f"None of the {in_words(kinds)}"
    if answer.part:
        return begun(f"{first}, at the {answer.part.side}")
    if answer.sure:
        return begun(first)
    return f"Probably {first}" if probability >= LIKELY_FROM else begun(f"{first} or {second}")


def verdict(answer: Prediction, kinds: int) -> str:
    """One sentence on how far to trust the answer, which is one of `kinds` classes."""
    none, one = f"none of the {in_words(kinds)}", f"one of the {in_words(kinds)}"
    (first, probability), (second, _) = answer.top[:2]
    if is_none(answer):
        return f"This looks like {none}; {first} comes closest."
    if answer.part:
        share = whole_percent(probability)
        return f"The middle looks like {none}; at the {answer.part.side}, {first} is likely ({share})."
    if answer.sure:
        return f"Sure: {whole_percent(probability)} for {first}."
    if probability >= LIKELY_FROM:
        return f"Not sure; if it is {one}, most likely {first} ({whole_percent(probability)})."
    return f"Unsure between {first} and {second}."


def _answer(answered: Answered, answer: Answer, title: str) -> str:
    """The class in words, a bar for each class, the verdict, remarks; title: whose, where there are two."""
    notes, had_to = [*answered.notes, *_describe_crop(answered.crop)], ""
    kinds = len(answer.card.class_names)
    if is_none(answer.prediction):
        notes += describe_alarm(answer.card)
        had_to = quiet_html(f"If it had to be one of the {in_words(kinds)}:")
    bars = "".join(
        _bar(label, probability, answer.card.class_names) for label, probability in answer.prediction.top
    )
    return isolated(
        f'<section class="answer" aria-live="polite">{_title(title)}'
        f"<h2>{html.escape(headline(answer.prediction, kinds))}</h2>"
        f'{had_to}<ol>{bars}</ol><p class="verdict">{html.escape(verdict(answer.prediction, kinds))}</p>'
        f"{''.join(map(quiet_html, notes))}</section>"
    )


def _title(title: str) -> str:
    return f'<p class="above">{html.escape(title)}</p>' if title else ""


def _describe_crop(crop: Crop) -> list[str]:
    """A sentence on the part of the picture that the network saw; none where that is the usual one."""
    if crop.whole:
        return []
    turned = [f"turned by {crop.turn:g}°"] if crop.turn else []
    zoomed = [f"enlarged {crop.zoom:g} times"] if crop.zoom != 1 else []
    moved = ["moved off center"] if crop.right or crop.down else []
    return [f"The picture was {listed(turned + zoomed + moved)}; see Crop and turn."]


def _bar(label: str, probability: float, class_names: Sequence[str]) -> str:
    color = class_color(list(class_names).index(label), len(class_names))
    style = f"width:{max(0.5, 100 * probability):.1f}%;background:{color}"
    return (
        f"<li><span>{html.escape(label)}</span>"
        f'<span class="track"><span class="bar" style="{style}"></span></span>'
        f'<span class="share">{html.escape(whole_percent(probability))}</span></li>'
    )


def _inside(answer: Answer, title: str) -> str:
    """The picture as the network saw it, its heat map, and each block's coefficients."""
    prediction, name = answer.prediction, answer.prediction.label
    columns = (
        _seen(prediction.seen),
        _heat_map(answer.heatmap, name),
        mixing_html(prediction.mixing, answer.average, name),
    )
    return isolated(f'{_title(title)}<div class="inside">{"".join(columns)}</div>')


def _seen(seen: NDArray[np.uint8]) -> str:
    size = f"{seen.shape[1]} × {seen.shape[0]} pixels"
    image = image_tag(data_uri(seen), f"The picture as {size}", css_class="seen")
    return f"<section><h3>What the network sees</h3>{image}{quiet_html(f'A square of {size}.')}</section>"


def _heat_map(picture: NDArray[np.uint8] | None, class_name: str) -> str:
    if picture is None:
        return ""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=88)
    alt = f"The picture in gray, brighter where it counts toward {class_name}"
    image = image_tag(_address(file.getvalue(), "image/jpeg"), alt, css_class="heatmap")
    caption = f"Brighter parts count more toward {class_name} (LayerCAM)."
    return f"<section><h3>Where it looked</h3>{image}{quiet_html(caption)}</section>"


def mixing_html(mixing: Shares, average: Shares, class_name: str) -> str:
    """Each block's coefficients as a bar; average: those of the class, block by block, as thin ones below."""
    if not mixing:
        return f"<section><h3>How each block mixed</h3>{quiet_html('This network does not mix.')}</section>"
    rows = "".join(_block(name, shares, average.get(name), class_name) for name, shares in mixing.items())
    key = bar_key(max(map(len, mixing.values())))
    caption = (
        "Each bar is a block, the first at the top. Each color is a kernel; the number is its coefficient "
        "for this picture, in %."
    )
    caption += f" The thin bar below shows the average {class_name}." if average else ""
    return (
        f'<section class="mixing"><h3>{mixing_title(mixing)}</h3>'
        f'<div class="key" aria-hidden="true">{key}</div><dl>{rows}</dl>{quiet_html(caption)}</section>'
    )


def mixing_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """ "Kernel 2 counts most in 4 of 6 blocks"; of kernels that lead equally often, the lowest number."""
    leaders = Counter(max(range(len(shares)), key=shares.__getitem__) for shares in mixing.values())
    kernel, blocks = min(leaders.items(), key=lambda item: (-item[1], item[0]))
    return f"Kernel {kernel + 1} counts most in {blocks} of {len(mixing)} blocks"


def _block(name: str, shares: Sequence[float], average: Sequence[float] | None, class_name: str) -> str:
    words, below = spoken(shares), ""
    if average is not None:
        words += f"; the average {class_name}: {spoken(average)}"
        below = f'<span class="average" aria-hidden="true">{bar_parts(average, numbered=False)}</span>'
    return (
        f'<dt>{html.escape(name)}</dt><dd title="{html.escape(words)}">'
        f'<span class="own" aria-hidden="true">{bar_parts(shares, numbered=True)}</span>{below}'
        f'<span class="hidden-text">{html.escape(words)}</span></dd>'
    )


def share_html(answered: Answered) -> str:
    """The networks that answered, links to keep the answers, and the lines that give them again."""
    responses, name, crop = answered.responses, answered.name, answered.crop
    tops = [len(answer.prediction.top) for answer in answered.answers]
    who = listed([f"{one['network']}, version {one['version']}" for one in responses])
    text = json.dumps(responses[0] if len(responses) == 1 else responses, indent=1)
    lines = (shell_line(name, one["network"], crop, top) for one, top in zip(responses, tops, strict=True))
    links = _download(text, "answer.json", "application/json", "Download as JSON") + _copy(
        text, "Copy as JSON"
    )
    return (
        f'<section class="share"><p>Answered by {html.escape(who)}.</p><p>{links}</p>'
        f"<h3>The same answer in a terminal</h3>{code_html(chr(10).join(lines))}"
        f"<h3>In Python</h3>{code_html(python_lines(name, responses[0]['network'], crop, tops[0]))}</section>"
    )


def batch_html(pictures: Sequence[Answered]) -> str:
    """A row for each picture, and links to the same as CSV and JSON."""
    responses = [response for one in pictures for response in one.responses]
    links = (
        _download(csv_text(responses), "answers.csv", "text/csv", "Download as CSV"),
        _download(json.dumps(responses, indent=1), "answers.json", "application/json", "Download as JSON"),
    )
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("Seen", "Picture", "Answer", "Probability"))
    return (
        f'<section aria-live="polite"><p class="verdict">{describe_batch(pictures)}</p>'
        f"<p>{' '.join(links)}</p>"
        f'<table class="batch"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{isolated(''.join(map(_row, pictures)))}</tbody></table></section>"
    )


def describe_batch(pictures: Sequence[Answered]) -> str:
    """ "5 pictures: 4 answered, 1 not answered"."""
    bad = sum(bool(one.problem) for one in pictures)
    text = f"{counted(len(pictures), 'picture')}: {len(pictures) - bad} answered"
    return text + (f", {bad} not answered" if bad else "")


def _row(picture: Answered) -> str:
    name = f'<th scope="row">{html.escape(picture.name)}</th>'
    if picture.problem:
        return f'<tr class="bad"><td></td>{name}<td colspan="2">{html.escape(picture.problem)}</td></tr>'
    prediction, kinds = picture.answers[0].prediction, len(picture.answers[0].card.class_names)
    likeliest = ", ".join(
        f"{label} {whole_percent(probability)}" for label, probability in prediction.top[:2]
    )
    likeliest = likeliest.replace(" %", "\u00a0%")  # on a phone a line would end between them
    return (
        f"<tr><td>{image_tag(data_uri(prediction.seen), '')}</td>{name}"
        f"<td>{html.escape(headline(prediction, kinds))}{''.join(map(quiet_html, picture.notes))}</td>"
        f"<td>{html.escape(likeliest)}</td></tr>"
    )


def _address(data: bytes, kind: str) -> str:
    """An address that holds its file, so that nothing is kept on the server."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _download(text: str, name: str, kind: str, label: str) -> str:
    return f'<a class="download" download="{name}" href="{_address(text.encode(), kind)}">{label}</a>'


def _copy(text: str, label: str) -> str:
    return COPY.format(text=html.escape(text), label=label)


def code_html(text: str) -> str:
    """Lines to copy."""
    return f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>{_copy(text, "Copy")}'
