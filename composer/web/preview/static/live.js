// Hears from the server that something was saved; says so when it hears nothing any more, and tries again.

import { byId } from "./dom.js";

const WORDS = { live: "Live", lost: "Connection lost, trying again", updating: "Updating", waiting: "Connecting" };
const AGAIN = 1500;

/** Show how it stands with the connection. */
export function tell(state) {
  const live = byId("live");
  if (!live || live.dataset.state === state) return;
  live.dataset.state = state;
  live.querySelector(".word").textContent = WORDS[state];
}

/** Call `changed({version, kinds})` for every change, and `hello({version}, lost)` whenever there is a connection again. */
export function listen(address, changed, hello) {
  let lost = false;
  let source;
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("hello", (event) => {
      tell("live");
      hello(JSON.parse(event.data), lost);
      lost = false;
    });
    source.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      lost = true;
      tell("lost");
      // A browser tries again by itself after a lost line, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN);
    });
  };
  open();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && open());
}
