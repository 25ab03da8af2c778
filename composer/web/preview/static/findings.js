// The findings, grouped by how grave they are; choosing one shows its line in the source and in the mail.

import { byId, count, h, replace, sentence } from "./dom.js";

const GRAVITY = [
  ["error", "Errors"],
  ["warning", "Warnings"],
  ["info", "Notes"],
];
const chosen = { filter: "", key: "", hidden: new Set() };

/** Say in words what was found: "1 error, 2 warnings, 3 notes". */
export function summary(findings) {
  const words = { error: "error", warning: "warning", info: "note" };
  const parts = GRAVITY.map(([name]) => [findings.filter((each) => each.severity === name).length, words[name]]).filter(
    ([number]) => number,
  );
  return parts.length ? parts.map(([number, word]) => count(number, word)).join(", ") : "nothing found";
}

/** Where a finding is, as people write it: file:line:column. */
export const placeOf = ({ path, line, column }) => [path, line || "", line && column ? column : ""].filter(Boolean).join(":");

/** What there is to say: while the issue cannot be set, that alone; what was found before is of another text. */
export function told(state) {
  if (!state.error) return state;
  const { message, hint, where } = state.error;
  const broken = { code: "", severity: "error", path: "", line: null, column: null, ...where, message, hint };
  return { ...state, findings: [broken], silenced: [] };
}

const keyOf = (finding) => [finding.code, placeOf(finding), finding.message].join("|");

function matches(finding) {
  const words = `${finding.code} ${finding.message} ${placeOf(finding)}`.toLowerCase();
  return !chosen.hidden.has(finding.severity) && words.includes(chosen.filter.toLowerCase());
}

/** The pane: `choose(finding)` is called for the one chosen; `day(text)` when the findings shall be those of another day. */
export function findingsPane(choose, day) {
  const pane = byId("pane-findings");
  let state = { findings: [], silenced: [] };
  const list = h("div", { class: "found" });
  const filter = h("input", {
    type: "search",
    id: "filter",
    placeholder: "Filter",
    "aria-label": "Filter the findings",
    autocomplete: "off",
  });
  filter.addEventListener("input", () => {
    chosen.filter = filter.value;
    drawList();
  });
  const toggles = h("div", { class: "toggles", role: "group", "aria-label": "Kinds of findings" });
  const date = h("input", { type: "date", id: "on", onchange: (event) => day(event.target.value) });
  const asOn = h("label", { class: "as-on" }, "Judge dates as of", date);
  pane.append(h("div", { class: "filters" }, toggles, filter), list, h("div", { class: "foot" }, asOn));

  function item(finding) {
    const key = keyOf(finding);
    const open = chosen.key === key;
    const pick = () => {
      chosen.key = chosen.key === key ? "" : key;
      drawList();
      if (chosen.key) choose(finding);
    };
    const place = finding.path === state.path && finding.line ? `line ${finding.line}` : placeOf(finding);
    const button = h(
      "button",
      { type: "button", class: "finding", "data-focus": key, "aria-expanded": String(open), onclick: pick },
      h("span", { class: "message" }, sentence(finding.message)),
      h(
        "span",
        { class: "place" },
        h("span", { class: "line", title: placeOf(finding) }, finding.line || finding.path ? place : "the whole issue"),
        " ",
        h("span", { class: "code" }, finding.code),
      ),
      open && finding.hint ? h("span", { class: "hint" }, finding.hint) : null,
    );
    return h("li", { class: `is-${finding.severity}` }, button);
  }

  function group([name, title]) {
    const found = state.findings.filter((each) => each.severity === name && matches(each));
    if (!found.length) return null;
    return h(
      "section",
      { class: `gravity is-${name}` },
      h("h2", {}, h("span", { class: "sign", "aria-hidden": "true" }), `${title} `, h("span", { class: "number" }, String(found.length))),
      h("ul", {}, found.map(item)),
    );
  }

  function silenced() {
    const all = state.silenced ?? [];
    if (!all.length) return null;
    const entry = (each) =>
      h(
        "li",
        {},
        h("span", { class: "message" }, sentence(each.message)),
        h("span", { class: "place" }, `${placeOf(each)} ${each.code}`),
        h("span", { class: "reason" }, each.reason ? `Silenced: ${each.reason}` : "Silenced"),
      );
    return h("details", { class: "silenced" }, h("summary", {}, `${all.length} silenced`), h("ul", {}, all.map(entry)));
  }

  function drawToggles() {
    replace(
      toggles,
      GRAVITY.map(([name, title]) => {
        const number = state.findings.filter((each) => each.severity === name).length;
        const press = (event) => {
          chosen.hidden.has(name) ? chosen.hidden.delete(name) : chosen.hidden.add(name);
          event.currentTarget.setAttribute("aria-pressed", String(!chosen.hidden.has(name)));
          drawList();
        };
        return h(
          "button",
          {
            type: "button",
            class: `toggle is-${name}`,
            "data-focus": name,
            "aria-pressed": String(!chosen.hidden.has(name)),
            onclick: press,
            disabled: !number,
          },
          h("span", { class: "sign", "aria-hidden": "true" }),
          `${number}`,
          h("span", { class: "hidden" }, ` ${(number === 1 ? title.slice(0, -1) : title).toLowerCase()}`),
        );
      }),
    );
  }

  function drawList() {
    const groups = GRAVITY.map(group).filter(Boolean);
    const nothing = state.findings.length ? "Nothing here matches." : "Nothing found. This issue reads as it should.";
    const foot = silenced();
    replace(list, groups.length ? groups : h("p", { class: "nothing" }, nothing), foot);
  }

  /** Go to the next finding (1) or the one before (-1). */
  function step(by) {
    const shown = GRAVITY.flatMap(([name]) => state.findings.filter((each) => each.severity === name && matches(each)));
    if (!shown.length) return;
    const at = shown.findIndex((each) => keyOf(each) === chosen.key);
    const next = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length];
    chosen.key = keyOf(next);
    drawList();
    pane.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: "nearest" });
    choose(next);
  }

  /** Open the finding of a line, when there is one, without leaving where the reader is. */
  function open(line) {
    const found = state.findings.find((each) => each.path === state.path && each.line === line);
    chosen.key = found ? keyOf(found) : "";
    drawList();
    pane.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: "nearest" });
    return found;
  }

  function draw(given, on) {
    state = given;
    date.value = on || given.on || "";
    drawToggles();
    drawList();
    const badge = byId("badge");
    const [errors, warnings] = ["error", "warning"].map((name) => given.findings.filter((each) => each.severity === name).length);
    badge.hidden = !given.findings.length;
    badge.textContent = String(given.findings.length);
    badge.className = `badge is-${errors ? "error" : warnings ? "warning" : "info"}`;
  }

  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !filter.value) filter.blur(); // the first one empties it
  });

  return { draw, step, open, filter: () => filter.focus() };
}
