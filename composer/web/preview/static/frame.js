// The mail in its frame: no script runs in it, so this page listens for it.
// A new rendering is loaded unseen and takes the place of the old one.

import { h } from "./dom.js";

const MARK = "2px solid #2f7ae5";

/** Make a frame that no script can run in. */
export function bareFrame(src, title, more = {}) {
  const frame = h("iframe", { title, ...more });
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.setAttribute("referrerpolicy", "no-referrer");
  frame.src = src;
  return frame;
}

/** Resolve when a frame can be seen: its load, or a moment after its text when an image keeps it waiting. */
function seen(frame) {
  return new Promise((resolve) => {
    let readable = 0;
    const timer = setInterval(() => {
      if (!frame.isConnected) return done(); // a newer one came in between
      const page = frame.contentDocument;
      if (!page || page.URL === "about:blank" || page.readyState === "loading") return;
      readable += 1;
      if (readable > 12) done();
    }, 25);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    frame.addEventListener("load", done, { once: true });
  });
}

/** Return the lines' elements that hold nothing of another line, outermost first; else the innermost of them. */
export function elementsOfLine(page, line) {
  const all = [...page.querySelectorAll(`[data-line="${line}"]`)];
  const own = all.filter((each) => ![...each.querySelectorAll("[data-line]")].some((inner) => inner.dataset.line !== String(line)));
  const outermost = own.filter((each) => !own.some((other) => other !== each && other.contains(each)));
  return outermost.length ? outermost : all.slice(-1);
}

/** Return the line that has something in the mail: the one asked for, or the nearest before it. */
export function nearestLine(page, line) {
  const lines = [...page.querySelectorAll("[data-line]")].map((each) => Number(each.dataset.line));
  return Math.max(0, ...lines.filter((each) => each <= line));
}

/** The mail's frame in `holder`; `told` has line(number, href), key(event). */
export function mailFrame(holder, told) {
  let current = null;
  let coming = null;
  let marked = [];
  let markedLine = 0;

  const page = () => current?.contentDocument ?? null;

  function listen(frame) {
    const inside = frame.contentDocument;
    const stop = (event) => event.preventDefault();
    inside.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href], area[href]");
      event.preventDefault();
      if (inside.getSelection()?.toString()) return;
      const line = event.target.closest?.("[data-line]");
      told.line(line ? Number(line.dataset.line) : 0, link?.getAttribute("href") ?? "");
    });
    inside.addEventListener("auxclick", stop);
    inside.addEventListener("submit", stop);
    inside.addEventListener("keydown", told.key);
    hears(inside) || glass(frame);
  }

  // WebKit runs no listener in a frame without scripts (bugs.webkit.org 218086): there a pane of glass over the frame catches clicks.
  function glass(frame) {
    const inside = () => frame.contentDocument;
    const pane = h("div", {
      class: "glass",
      onclick: (event) => {
        const box = frame.getBoundingClientRect();
        const scale = box.width / frame.offsetWidth || 1;
        const target = inside().elementFromPoint((event.clientX - box.left) / scale, (event.clientY - box.top) / scale);
        told.line(Number(target?.closest("[data-line]")?.dataset.line ?? 0), target?.closest("a[href]")?.getAttribute("href") ?? "");
      },
      onwheel: (event) => frame.contentWindow.scrollBy(event.deltaX, event.deltaY),
    });
    frame.after(pane);
  }

  function unmark() {
    for (const element of marked) (element.style.removeProperty("outline"), element.style.removeProperty("outline-offset"));
    marked = [];
  }

  /** Show where a line is in the mail; 0 shows nothing. */
  function mark(line, { scroll = true } = {}) {
    unmark();
    markedLine = line;
    const inside = page();
    if (!line || !inside) return false;
    marked = elementsOfLine(inside, nearestLine(inside, line));
    for (const element of marked) {
      element.style.setProperty("outline", MARK, "important");
      element.style.setProperty("outline-offset", "3px", "important");
    }
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const behavior = calm ? "instant" : "smooth";
    if (scroll && marked.length) marked[0].scrollIntoView({ block: "center", behavior });
    else if (scroll) inside.defaultView.scrollTo({ top: 0, behavior }); // above all that is written: the front matter
    return marked.length > 0;
  }

  // What stands at the top of the mail, so that another view can begin there too, and a new text go on there.
  function anchor() {
    const inside = page();
    const all = [...(inside?.querySelectorAll("[data-line]") ?? [])];
    const top = all.find((each) => each.getBoundingClientRect().bottom > 0);
    if (!top || inside.defaultView.scrollY <= 0) return null;
    return { line: top.dataset.line, words: words(top), nth: all.indexOf(top), offset: top.getBoundingClientRect().top };
  }

  const words = (element) => element.textContent.trim();

  // The same words, the nearest of them when they stand there more than once: lines have other numbers when some were put in above.
  function sameWords(at) {
    const all = [...page().querySelectorAll("[data-line]")];
    const same = all.map((each, nth) => [each, Math.abs(nth - at.nth)]).filter(([each]) => at.words && words(each) === at.words);
    return same.sort((one, other) => one[1] - other[1])[0]?.[0];
  }

  function stand(keep, pixels, at) {
    const view = page().defaultView;
    if (keep === "pixels") view.scrollTo({ left: pixels.x, top: pixels.y, behavior: "instant" });
    const same = at && (keep === "line" ? page().querySelector(`[data-line="${at.line}"]`) : keep === "pixels" && sameWords(at));
    if (same) view.scrollBy({ top: same.getBoundingClientRect().top - at.offset, behavior: "instant" });
  }

  /** Load an address unseen, then let it take the frame's place; `keep` is pixels, line or top. */
  async function show(address, title, keep) {
    coming?.remove();
    const frame = bareFrame(address, title, { class: "coming" });
    coming = frame;
    holder.append(frame);
    await seen(frame);
    if (coming !== frame) return false;
    const pixels = { x: current?.contentWindow?.scrollX ?? 0, y: current?.contentWindow?.scrollY ?? 0 };
    const at = keep === "top" ? null : anchor();
    const [old, focused] = [current, current && document.activeElement === current];
    coming = null;
    current = frame;
    told.loaded?.(frame);
    stand(keep, pixels, at);
    frame.classList.remove("coming");
    for (const gone of [...holder.children]) if (gone !== frame) gone.remove();
    if (old && focused) frame.focus({ preventScroll: true });
    listen(frame);
    mark(markedLine, { scroll: false });
    return true;
  }

  return { show, mark, page, frame: () => current };
}

function hears(page) {
  let heard = false;
  const hear = () => (heard = true);
  page.addEventListener("preview-probe", hear, { once: true });
  page.dispatchEvent(new Event("preview-probe"));
  return heard;
}
