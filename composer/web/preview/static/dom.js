// Small means to build pages: text is always text, never HTML.

/** Return the element with that id. */
export const byId = (id) => document.getElementById(id);

/** Build an element; `on…` are listeners, `class`, `data-…` and `aria-…` attributes, other names properties. */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "role" || name === "for" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

/** Put new children into a container; what has the focus there keeps it, known again by its `data-focus`. */
export function replace(container, ...children) {
  const key = container.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  container.replaceChildren(...children.flat().filter(Boolean));
  if (key) container.querySelector(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Say something to a screen reader; the last word wins. */
export function announce(words) {
  byId("announce").textContent = words;
}

/** Return what was found as a sentence: a capital at its head, unless that is a name, and a stop at its end, unless that is an address. */
export function sentence(text) {
  const begun = /^\p{Ll}+(?=[\s,])/u.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.?!…:]$|[/@]\S*$/.test(begun) ? begun : `${begun}.`;
}

/** Return "1 error", "3 errors". */
export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

/** Return a moment in the reader's own time and words: "today, 14:02", "23 Nov 2026, 14:02". */
export function when(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.valueOf())) return text;
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const today = moment.toDateString() === new Date().toDateString();
  return `${today ? "today" : moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${time}`;
}

/** Return the answer to a request for JSON, or raise what the server said. */
export async function json(url, options) {
  const answer = await fetch(url, { cache: "no-store", ...options });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const error = said.error ?? {};
  throw Object.assign(new Error(error.message || `the server answered ${answer.status}`), { status: answer.status, hint: error.hint });
}

/** Return `call` put off until it has not been asked for during `delay` milliseconds. */
export function rested(call, delay) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(call, delay, ...given);
  };
}
