// The list of issues: covers of the newest, times in the reader's own words, and the list anew when a file comes, changes or goes.

import { when } from "./dom.js";
import { bareFrame } from "./frame.js";
import { listen } from "./live.js";

const COVERS = 3; // each is an issue to compose

for (const time of document.querySelectorAll("time[datetime]")) time.textContent = when(time.getAttribute("datetime"));
for (const [index, cover] of [...document.querySelectorAll(".cover")].entries()) {
  if (index < COVERS)
    cover.append(
      bareFrame(`/issues/${encodeURIComponent(cover.dataset.stem)}/frame/light`, "Cover", {
        tabIndex: -1,
        scrolling: "no",
        loading: "lazy",
      }),
    );
}
listen(
  "/events?stem=",
  () => location.reload(),
  (_, lost) => lost && location.reload(),
);
