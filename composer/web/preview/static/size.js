// How heavy the mail is beside Gmail's clip, and which sections weigh what.

import { byId, h, replace } from "./dom.js";

const share = (bytes, whole) => `${((100 * bytes) / whole).toFixed(1)} %`;
const number = (bytes) => Math.round(bytes).toLocaleString("en");

/** The pane; `choose(line)` is called when a section is chosen. */
export function sizePane(choose) {
  const pane = byId("pane-size");

  function parts(size) {
    const sections = size.sections ?? [];
    const rest = size.bytes - sections.reduce((sum, each) => sum + each.bytes, 0);
    return rest > 0 ? [...sections, { title: "Frame: head, styles, masthead, footer", line: 0, bytes: rest, frame: true }] : sections;
  }

  function bar(size, all) {
    const whole = Math.max(size.limit, size.bytes);
    const segments = all.map((each, index) => {
      const segment = h("span", {
        class: `segment${each.frame ? " frame" : ""}`,
        "data-part": index,
        title: `${each.title}: ${number(each.bytes)} bytes`,
      });
      segment.style.setProperty("--share", each.bytes / whole);
      return segment;
    });
    const limit = h("span", { class: "near" });
    limit.style.setProperty("--at", (size.near * size.limit) / whole);
    return h(
      "div",
      {
        class: "bar-of-sections",
        role: "img",
        "aria-label": `${number(size.bytes)} of ${number(size.limit)} bytes; the table below has the sections`,
      },
      segments,
      limit,
    );
  }

  function row(each, index, size) {
    const name = each.line
      ? h("button", { type: "button", class: "link", "data-focus": each.line, onclick: () => choose(each.line) }, each.title)
      : each.title;
    const glow = (on) => () => pane.querySelector(`[data-part="${index}"]`)?.classList.toggle("glow", on);
    return h(
      "tr",
      { onmouseenter: glow(true), onmouseleave: glow(false), onfocusin: glow(true), onfocusout: glow(false) },
      h(
        "th",
        { scope: "row" },
        h(
          "span",
          { class: "part" },
          h("span", { class: `swatch${each.frame ? " frame" : ""}`, "aria-hidden": "true" }),
          h("span", {}, name),
        ),
      ),
      h("td", {}, number(each.bytes)),
      h("td", {}, share(each.bytes, size.bytes)),
    );
  }

  function draw(state) {
    const size = state.size;
    if (!size) return;
    const all = parts(size);
    const state_ = size.bytes > size.limit ? "over" : size.bytes > size.near * size.limit ? "near" : "fine";
    const words = {
      over: "Gmail clips it: readers see a link to the rest, and no unsubscribe link.",
      near: "Close to where Gmail clips.",
      fine: `${share(size.bytes, size.limit)} of what Gmail shows before it clips.`,
    }[state_];
    const head = h(
      "thead",
      {},
      h("tr", {}, h("th", { scope: "col" }, "Section"), h("th", { scope: "col" }, "Bytes"), h("th", { scope: "col" }, "Share")),
    );
    replace(
      pane,
      h("p", { class: `weight is-${state_}` }, h("span", { class: "figure" }, number(size.bytes)), ` of ${number(size.limit)} bytes`),
      bar(size, all),
      h("p", { class: `small ${state_ === "fine" ? "quiet" : "strong"}` }, words, " Counted for the reader with the longest values."),
      h(
        "table",
        { class: "sections" },
        h("caption", { class: "hidden" }, "Bytes of each section"),
        head,
        h(
          "tbody",
          {},
          all.map((each, index) => row(each, index, size)),
        ),
      ),
    );
  }

  return { draw };
}
