// The width of the mail: chosen, dragged at its edge, or moved by arrows; shown smaller where there is not enough room for it.

import { fitting } from "./address.js";
import { byId } from "./dom.js";

const STEP = 10;
const PHONE = 480; // up to here it is a phone, which has no scroll bar

/** Return {set(width), by(pixels)}; `changed(width, settled)` is called when it was dragged or moved. */
export function widths(changed) {
  const [paper, sheet, handle, canvas, readout] = ["paper", "sheet", "handle", "canvas", "readout"].map(byId);
  let width = 800;

  function draw() {
    const frame = sheet.querySelector("iframe:not(.coming)");
    const root = frame?.contentDocument?.documentElement;
    const bar = root && width > PHONE ? frame.offsetWidth - root.clientWidth : 0;
    const extra = bar > 0 && bar < 30 ? bar : 0;
    const style = getComputedStyle(canvas);
    const room = canvas.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const scale = Math.min(1, room / (width + extra));
    paper.style.setProperty("--width", `${width + extra}px`);
    paper.style.setProperty("--scale", scale.toFixed(4));
    paper.classList.toggle("phone", width <= PHONE);
    handle.setAttribute("aria-valuenow", width);
    handle.setAttribute("aria-valuetext", `${width} pixels`);
    const radios = [...document.querySelectorAll('input[name="width"]')];
    for (const radio of radios) radio.checked = Number(radio.value) === width;
    const own = radios.some((radio) => radio.checked) ? "" : `${width} px`;
    readout.textContent = [own, scale < 0.995 ? `at ${Math.round(scale * 100)} %` : ""].filter(Boolean).join(" ");
  }

  function set(wanted) {
    width = fitting(wanted);
    draw();
  }

  function by(pixels) {
    set(width + pixels);
    changed(width, true);
  }

  handle.addEventListener("pointerdown", (event) => {
    const [from, start] = [event.clientX, width];
    handle.setPointerCapture(event.pointerId);
    paper.classList.add("dragged");
    const move = (moved) => {
      // The mail stands in the middle: its edge goes with the pointer when both sides move.
      set(start + 2 * (moved.clientX - from));
      changed(width, false);
    };
    const end = () => {
      handle.removeEventListener("pointermove", move);
      paper.classList.remove("dragged");
      changed(width, true);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  });
  handle.addEventListener("keydown", (event) => {
    const pixels = {
      ArrowRight: STEP,
      ArrowUp: STEP,
      ArrowLeft: -STEP,
      ArrowDown: -STEP,
      PageUp: 10 * STEP,
      PageDown: -10 * STEP,
      Home: -2000,
      End: 2000,
    }[event.key];
    if (!pixels) return;
    event.preventDefault();
    by(event.shiftKey ? Math.sign(pixels) : pixels);
  });
  new ResizeObserver(draw).observe(canvas);
  return { set, by, draw };
}

/** A phone's frame shows no scroll bar, as phones do. */
export function asOnScreen(frame, width) {
  const root = frame?.contentDocument?.documentElement;
  if (root) root.style.setProperty("scrollbar-width", width <= PHONE ? "none" : "thin");
}
