"""A camera that takes pictures as long as a button is held; `st.camera_input` takes one for two clicks."""

import base64
import binascii

import streamlit as st

MOST = 60  # pictures of one hold; at four a second that is a quarter of a minute
SIDE = 480  # pixels of the square that is kept
HTML = """<div class="lab-camera"><video muted playsinline></video>
<div><button type="button"></button><p role="status"></p></div></div>"""
CSS = """
.lab-camera { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: center }
.lab-camera video { width: 180px; aspect-ratio: 1; object-fit: cover; border-radius: .5rem;
  background: var(--st-secondary-background-color) }
.lab-camera p { margin: .4rem 0 0; font-size: .875rem; opacity: .75; max-width: 22rem }
.lab-camera button { all: unset; cursor: pointer; padding: .35rem .8rem; border-radius: .5rem;
  border: 1px solid var(--st-border-color); user-select: none; touch-action: none }
.lab-camera button:hover { border-color: var(--st-primary-color) }
.lab-camera button:focus-visible { outline: 2px solid var(--st-primary-color) }
.lab-camera button.held { background: var(--st-primary-color); color: white }
.lab-camera button[disabled] { opacity: .4; cursor: default }
"""
JS = """
const EVERY = 250;  // milliseconds
const NOT_HERE = "The camera is for pages on this machine (localhost) or behind https; this one is neither.";
const REFUSED = {
  NotAllowedError: "The browser keeps the camera from this page: allow it in the address bar, then reload.",
  NotFoundError: "No camera was found on this machine.",
  NotReadableError: "Another program uses the camera; close that first.",
};
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-camera");
  const [video, button, words] = ["video", "button", "p"].map(name => root.querySelector(name));
  root.send = shots => setTriggerValue("shots", shots);
  if (root.begun) return () => root.end();
  root.begun = true;
  button.textContent = "Hold to take pictures";
  button.setAttribute("aria-label", "Hold to take pictures of " + data.name);
  button.disabled = true;
  const say = text => { words.textContent = text; };
  let stream, ticking, shots = [], gone = false;
  const shoot = () => {
    const canvas = document.createElement("canvas"), side = Math.min(video.videoWidth, video.videoHeight);
    canvas.width = canvas.height = Math.min(side, data.side);
    canvas.getContext("2d").drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2,
      side, side, 0, 0, canvas.width, canvas.height);
    shots.push(canvas.toDataURL("image/jpeg", .9));
    say(shots.length + " taken");
    if (shots.length >= data.most) let_go();
  };
  const hold = () => {
    if (ticking || button.disabled) return;
    button.classList.add("held");
    ticking = setInterval(shoot, EVERY);
    shoot();
  };
  const let_go = () => {
    if (!ticking) return;
    clearInterval(ticking);
    ticking = undefined;
    button.classList.remove("held");
    root.send(shots);
    shots = [];
  };
  const is_press = event => event.key === " " || event.key === "Enter";
  button.onpointerdown = event => {
    if (event.button === 0) { button.setPointerCapture(event.pointerId); hold(); }
  };
  button.onpointerup = button.onpointercancel = button.onblur = let_go;
  button.onkeydown = event => { if (is_press(event)) { event.preventDefault(); hold(); } };
  button.onkeyup = event => { if (is_press(event)) let_go(); };
  button.oncontextmenu = event => event.preventDefault();
  root.end = () => {
    gone = true;
    clearInterval(ticking);
    stream?.getTracks().forEach(track => track.stop());
  };
  if (!navigator.mediaDevices) { say(NOT_HERE); return () => root.end(); }
  say("Waiting for the camera…");
  navigator.mediaDevices.getUserMedia({ video: true }).then(async found => {
    stream = found;
    if (gone) return root.end();
    video.srcObject = stream;
    await video.play();
    button.disabled = false;
    say("Four pictures a second, of the square that you see. Move the thing about, near and far.");
  }).catch(error => say(REFUSED[error.name] || "The camera does not work: " + error.message));
  return () => root.end();
}
"""
_component = st.components.v2.component("lab_camera", html=HTML, css=CSS, js=JS, isolate_styles=False)


def take_pictures(name: str, key: str) -> list[bytes]:
    """The camera's picture and the button; gives the JPEG files of a hold that has just ended.

    name: what is taken, for a screen reader.
    """
    told = _component(key=key, data={"name": name, "most": MOST, "side": SIDE}, on_shots_change=lambda: None)
    shots = told.shots if isinstance(told.shots, list) else []
    return [content for shot in shots[:MOST] if (content := _content(shot))]


def _content(shot: object) -> bytes:
    """The bytes of a data: URL; none where it is none."""
    try:
        return base64.b64decode(str(shot).partition("base64,")[2], validate=True)
    except binascii.Error:
        return b""
