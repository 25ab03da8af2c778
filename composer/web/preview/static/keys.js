// One key each for what is done often; never while somebody writes, and off for who wants it off.

import { byId, h } from "./dom.js";

const SETTING = "preview-keys";
const OFF = "off";

const writes = (target) => target?.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
const stored = () => {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null; // a browser may keep nothing
  }
};

/** Listen for keys; `bindings` is a list of groups [title, [[key, words, act], …]]. */
export function keys(bindings) {
  const acts = new Map(bindings.flatMap(([, entries]) => entries.map(([key, , act]) => [key, act])));
  const dialog = byId("help-dialog");
  const toggle = h("input", { type: "checkbox", id: "keys-on", checked: stored() !== OFF });
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(SETTING, toggle.checked ? "on" : OFF);
    } catch {
      // It then holds until the page is left.
    }
  });

  const entry = ([key, words]) => [h("dt", {}, h("kbd", {}, key === " " ? "space" : key)), h("dd", {}, words)];
  const group = ([title, entries]) => h("section", {}, h("h3", {}, title), h("dl", { class: "keys" }, entries.flatMap(entry)));
  dialog.append(
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "help-heading" }, "Keys"),
      h("button", { type: "button", class: "round", "aria-label": "Close", onclick: () => dialog.close() }, "×"),
    ),
    h("div", { class: "key-groups" }, bindings.map(group)),
    h(
      "div",
      { class: "dialog-foot" },
      h("label", { class: "option" }, toggle, h("span", {}, "Keys are on")),
      h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
    ),
  );
  byId("open-help").addEventListener("click", () => dialog.showModal());

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writes(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") return (event.preventDefault(), dialog.showModal());
    const act = toggle.checked && acts.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }
  document.addEventListener("keydown", press);
  return press;
}
