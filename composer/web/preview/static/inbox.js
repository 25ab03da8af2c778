// The mail before it is opened: one drawing a client, with sender, subject and preview line cut where that client cuts them.

import { byId, h } from "./dom.js";

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

function ghost() {
  return h(
    "div",
    { class: "row ghost", "aria-hidden": "true" },
    h("span", { class: "face" }),
    h("span", { class: "from" }),
    h("span", { class: "when" }),
    h("span", { class: "topic" }),
    h("span", { class: "snippet" }),
  );
}

function own(entry) {
  const leak = entry.leak
    ? [" ", h("span", { class: "leak", title: "Not written for this line: it leaks in from the letter" }, entry.leak)]
    : [];
  return h(
    "div",
    { class: "row" },
    h("span", { class: "face", "aria-hidden": "true" }, (entry.sender.match(/\p{L}/u) ?? ["·"])[0]),
    h("span", { class: "from" }, entry.sender),
    h("span", { class: "when", "aria-hidden": "true" }, "09:41"),
    h("span", { class: "topic" }, entry.subject),
    h("span", { class: "snippet" }, entry.preheader, ...leak),
  );
}

function verdict(entry) {
  const said = [];
  if (entry.subject_cut) said.push("The subject is cut.");
  if (entry.leak) said.push("Text of the letter leaks into the preview line.");
  return said.length ? said.join(" ") : "All of the subject is seen.";
}

/** Draw the inbox of one client. */
export function drawing(entry, source) {
  const linked = /^https?:/.test(entry.source ?? "");
  return h(
    "figure",
    { class: `client ${entry.device} client-${slug(entry.client)}` },
    h(
      "figcaption",
      {},
      h("span", { class: "client-name" }, entry.client),
      h("span", { class: `verdict${entry.subject_cut || entry.leak ? " cut" : ""}` }, verdict(entry)),
      source && linked
        ? h(
            "a",
            {
              href: entry.source,
              target: "_blank",
              rel: "noopener noreferrer",
              title: entry.source,
              "aria-label": `Source of the figures for ${entry.client}`,
            },
            "Source",
          )
        : null,
    ),
    // On a phone the row of a desktop is wider than the screen: it can be scrolled, also by keyboard.
    h(
      "div",
      {
        class: "screen",
        role: "group",
        "aria-label": `The inbox of ${entry.client}`,
        tabIndex: source && entry.device === "desktop" ? 0 : undefined,
      },
      ghost(),
      own(entry),
      ghost(),
    ),
  );
}

/** Draw the inbox of every client that is known. */
export function drawInbox(state) {
  const kinds = [
    ["phone", "On a phone"],
    ["desktop", "On a desktop"],
  ];
  const parts = kinds.map(([device, title]) => {
    const entries = (state.inbox ?? []).filter((each) => each.device === device);
    return entries.length
      ? h(
          "section",
          { class: `inbox-part of-${device}` },
          h("h2", {}, title),
          h(
            "div",
            { class: "clients" },
            entries.map((each) => drawing(each, true)),
          ),
        )
      : null;
  });
  const words = h(
    "p",
    { class: "preline" },
    h("span", { class: "quiet" }, "Preheader: "),
    state.preheader || "none; the inbox then shows the first words of the letter",
  );
  byId("inbox").replaceChildren(words, ...parts.filter(Boolean));
}
