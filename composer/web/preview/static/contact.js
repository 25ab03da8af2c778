// The contact sheet: every view at once, each small and a link to itself.

import { frameAddress, query } from "./address.js";
import { byId, h, replace } from "./dom.js";
import { bareFrame } from "./frame.js";
import { drawing } from "./inbox.js";

const PLATES = [
  ["light", 800, "Light, 800"],
  ["light", 375, "Light, 375"],
  ["dark", 800, "Dark, 800"],
  ["dark", 375, "Dark, 375"],
  ["forced-dark", 600, "Forced dark, 600"],
  ["forced-dark", 375, "Forced dark, 375"],
  ["no-images", 600, "No images, 600"],
  ["no-style", 600, "No styles, 600"],
  ["no-style", 375, "No styles, 375"],
  ["light", 320, "Light, 320"],
  ["light", 414, "Light, 414"],
  ["web", 800, "Web page, 800"],
  ["text", 600, "Plain text"],
  ["html", 600, "HTML"],
  ["mjml", 600, "MJML"],
  ["mime", 600, "MIME"],
];

/** Draw every view; a new version replaces the frames, not the plates. */
export function drawContact(stem, place, state, remote) {
  const version = state.version;
  const contact = byId("contact");
  const plates = PLATES.map(([view, width, title]) => {
    const address = query({ ...place, view, width });
    const frame = bareFrame(frameAddress(stem, place, view, version, remote), `${title}, small`, {
      loading: "lazy",
      tabIndex: -1,
      scrolling: "no",
    });
    const window = h("span", { class: "window", "aria-hidden": "true" }, frame);
    window.style.setProperty("--width", width);
    return h(
      "a",
      { class: "plate", href: address, "data-focus": address, "data-view": view, "data-width": width },
      window,
      h("span", { class: "plate-name" }, title),
    );
  });
  const inbox = h(
    "a",
    { class: "plate", href: query({ ...place, view: "inbox" }), "data-view": "inbox" },
    h(
      "span",
      { class: "window letters", "aria-hidden": "true" },
      h(
        "span",
        { class: "drawings" },
        (state.inbox ?? [])
          .filter((each) => each.device === "phone")
          .slice(0, 3)
          .map((each) => drawing(each, false)),
      ),
    ),
    h("span", { class: "plate-name" }, "Inbox"),
  );
  replace(contact, plates.slice(0, 6), inbox, plates.slice(6));
}

/** Forget the frames while the sheet is not looked at. */
export function clearContact() {
  byId("contact").replaceChildren();
}
