// What is wrong while the issue cannot be set, over the last rendering that went well.

import { byId, h, sentence } from "./dom.js";
import { placeOf } from "./findings.js";

/** Show an error of the server, or take it away; `behind` says whether a rendering is there that went well. */
export function drawBroken(error, behind = true) {
  const broken = byId("broken");
  byId("canvas").classList.toggle("stale", Boolean(error));
  broken.hidden = !error;
  if (!error) return broken.replaceChildren();
  const where = error.where ? placeOf(error.where) : "";
  const excerpt = (error.excerpt ?? "").split("\n");
  const lines = excerpt.map((line) => h("span", { class: /^\s*>/.test(line) ? "at" : "" }, line, "\n"));
  broken.replaceChildren(
    ...[
      h("p", { class: "broken-where" }, where ? h("code", {}, where) : "This cannot be shown"),
      h("p", { class: "broken-message" }, sentence(error.message)),
      error.hint ? h("p", { class: "broken-hint" }, error.hint) : null,
      error.excerpt ? h("pre", { tabIndex: 0, "aria-label": "Excerpt of the file" }, lines) : null,
      h("p", { class: "broken-foot" }, `${behind ? "Behind this is the last rendering that went well. " : ""}It heals as soon as the file does.`),
    ].filter(Boolean),
  );
}
