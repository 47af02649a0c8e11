// The crop's square on the picture: drawn, moved and resized by mouse, finger or pen. The four sliders hold the
// same numbers, `props.value`: turn in degrees, zoom, right, down; images/crop.py has their meaning.
//
// Points are [x, y] in the turned picture, from its center, in pixels of the picture as it is shown.
const MOST_ZOOM = 8, NEAR = { mouse: 14, touch: 26, pen: 20 };
const STEPS = { zoom: 0.05, place: 0.02 };  // those of the sliders, so that both say the same
const pane = document.createElement("div"), square = document.createElement("div");
pane.className = "frame";
pane.append(square);
let block;  // Gradio's, around the picture

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const stepped = (value, step) => Number((Math.round(value / step) * step).toFixed(2));
const rotated = ([x, y], angle) => [
  x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];
const picture = () => block.querySelector(".image-frame img");

function room(turn) {  // the picture as it is shown, and the one that opens around it when it is turned
  const image = picture();
  if (!image || !image.naturalWidth) return null;
  const box = image.getBoundingClientRect(), angle = turn * Math.PI / 180;
  const scale = Math.min(1, box.width / image.naturalWidth, box.height / image.naturalHeight);
  const width = scale * image.naturalWidth, height = scale * image.naturalHeight;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  return { angle, width, height, center: [box.left + box.width / 2, box.top + box.height / 2],
    wide: width * cos + height * sin, high: width * sin + height * cos };
}

function squareOf([, zoom, right, down], { wide, high }) {
  const side = Math.min(wide, high) / zoom;
  return { side, x: right * (wide - side) / 2, y: down * (high - side) / 2 };
}

function valueOf({ side, x, y }, turn, { wide, high }) {
  const zoom = clamp(stepped(Math.min(wide, high) / side, STEPS.zoom), 1, MOST_ZOOM);
  const left = Math.min(wide, high) / zoom;
  const place = (offset, length) =>
    length - left < 1 ? 0 : stepped(clamp(2 * offset / (length - left), -1, 1), STEPS.place);
  return [turn, zoom, place(x, wide), place(y, high)];
}

function draw(value) {
  const space = room(value[0]);
  pane.hidden = !space;
  if (!space) return;
  const { side, x, y } = squareOf(value, space), outer = block.getBoundingClientRect();
  const [left, top] = rotated([x, y], -space.angle);
  Object.assign(pane.style, {
    left: `${space.center[0] - space.width / 2 - outer.left - block.clientLeft}px`,
    top: `${space.center[1] - space.height / 2 - outer.top - block.clientTop}px`,
    width: `${space.width}px`, height: `${space.height}px` });
  Object.assign(square.style, {
    left: `${(space.width - side) / 2 + left}px`, top: `${(space.height - side) / 2 + top}px`,
    width: `${side}px`, height: `${side}px`, transform: `rotate(${-value[0]}deg)` });
}

function pointOf(event, { center, angle }) {
  return rotated([event.clientX - center[0], event.clientY - center[1]], angle);
}

function between([ax, ay], [x, y], { wide, high }) {  // the square from a fixed corner towards a point
  const least = Math.min(wide, high), side = clamp(Math.max(Math.abs(x - ax), Math.abs(y - ay)), least / MOST_ZOOM, least);
  return { side, x: ax + Math.sign(x - ax || 1) * side / 2, y: ay + Math.sign(y - ay || 1) * side / 2 };
}

function begin(event) {  // what a drag from here does: a function from a point to the new square
  const [turn, zoom] = props.value, space = room(turn), start = pointOf(event, space);
  const old = squareOf(props.value, space), half = old.side / 2;
  const [fromX, fromY] = [start[0] - old.x, start[1] - old.y], near = NEAR[event.pointerType] || NEAR.mouse;
  if (Math.hypot(Math.abs(fromX) - half, Math.abs(fromY) - half) < near) {
    const fixed = [old.x - Math.sign(fromX) * half, old.y - Math.sign(fromY) * half];
    return (point) => between(fixed, point, space);
  }
  if (zoom > 1 && Math.max(Math.abs(fromX), Math.abs(fromY)) < half)
    return ([x, y]) => ({ side: old.side, x: x - fromX, y: y - fromY });
  return (point) => between(start, point, space);
}

function drag(event) {
  if (event.target !== picture() || event.button !== 0) return;
  event.preventDefault();
  const image = event.target, squareAt = begin(event), turn = props.value[0], [x, y] = [event.clientX, event.clientY];
  let value = null;
  const move = (next) => {
    if (!value && Math.hypot(next.clientX - x, next.clientY - y) < 5) return;  // a tap
    const space = room(turn);
    value = valueOf(squareAt(pointOf(next, space)), turn, space);
    draw(value);
  };
  const end = (last) => {
    for (const [name, act] of Object.entries(acts)) image.removeEventListener(name, act);
    if (last.type === "pointercancel" || !value) return draw(props.value);
    props.value = value;
    trigger("input");
  };
  const acts = { pointermove: move, pointerup: end, pointercancel: end };
  for (const [name, act] of Object.entries(acts)) image.addEventListener(name, act);
  image.setPointerCapture(event.pointerId);
}

function start() {
  block = document.querySelector(".picture");
  if (!block) return requestAnimationFrame(start);  // not drawn yet
  block.append(pane);
  block.addEventListener("pointerdown", drag);
  block.addEventListener("dragstart", (event) => event.preventDefault());
  block.addEventListener("load", () => draw(props.value), true);
  new ResizeObserver(() => draw(props.value)).observe(block);
  new MutationObserver(() => draw(props.value)).observe(block, { childList: true, subtree: true });
  watch("value", () => draw(props.value));
  draw(props.value);
}
start();
