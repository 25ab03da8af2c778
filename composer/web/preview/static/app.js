// The page of one issue: the address says what is shown, the server says what is true, and this puts both together.

import { frameAddress, query, read } from "./address.js";
import { clearContact, drawContact } from "./contact.js";
import { announce, byId, count, json } from "./dom.js";
import { findingsPane, summary, told as toldBy } from "./findings.js";
import { mailFrame } from "./frame.js";
import { drawInbox } from "./inbox.js";
import { keys } from "./keys.js";
import { listen, tell } from "./live.js";
import { guiseOf, readerPane } from "./reader.js";
import { sizePane } from "./size.js";
import { sourcePane } from "./source.js";
import { drawBroken } from "./broken.js";
import { tabs } from "./tabs.js";
import { testing } from "./testing.js";
import { asOnScreen, widths } from "./width.js";

const stem = document.body.dataset.stem;
const token = document.querySelector('meta[name="preview-token"]').content;
const views = new Map([...document.querySelectorAll('input[name="view"]')].map((each) => [each.value, each]));
const widthKeys = [...document.querySelectorAll('input[name="width"]')];

const SHOWS_IMAGES = new Set(["light", "dark", "forced-dark", "no-style", "web", "all"]);

let place = where();
let state = JSON.parse(byId("state").textContent);
let remote = false;
let [asked, shown, told] = [0, "", ""];

function where() {
  const place = read(location.search, [...views.keys()]);
  return { ...place, to: new URLSearchParams(location.search).has("to") ? place.to : document.body.dataset.to };
}

const pane = tabs();
const width = widths((pixels, settled) => {
  place.width = pixels;
  asOnScreen(mail.frame(), pixels);
  if (settled) history.replaceState(null, "", query(place));
});
const mail = mailFrame(byId("sheet"), {
  line: (line, href) => clicked(line, href),
  key: (event) => press(event),
  loaded: (frame) => asOnScreen(frame, place.width),
});
const findings = findingsPane(
  (finding) => select(finding.path === source.path() ? finding.line : 0, { from: "finding" }),
  (day) => go({ on: day }),
);
const source = sourcePane(stem, (line) => select(line, { from: "source" }));
const reader = readerPane((wanted) => go(wanted));
const size = sizePane((line) => select(line, { from: "size" }));
const tests = testing(
  () => ({ stem, token, state, to: place.to, as: place.as }),
  () => refresh(),
);

/** Show a line everywhere: in the source, in the mail, and the finding of that line. */
function select(line, { from, href = "" }) {
  if (!line && from === "finding") return mail.mark(0);
  source.go(line, href);
  if (from !== "finding") {
    const found = findings.open(line);
    if (found && !pane.narrow() && from === "mail") pane.show("findings");
    announce(`Line ${line}${found ? `: ${found.message}` : ""}`);
  }
  mail.mark(line, { scroll: from !== "mail" });
}

/** Somebody clicked into the mail. */
function clicked(line, href) {
  const target = href.startsWith("#") && href.length > 1 ? mail.page().getElementById(decodeURIComponent(href.slice(1))) : null;
  target?.scrollIntoView({ block: "start" });
  if (!line && !href) return mail.mark(0);
  select(line, { from: "mail", href });
  if (pane.narrow() && line) pane.show("source");
}

/** Show what the place says; `keep` is where the mail shall stand: pixels, line, top. */
async function show(keep) {
  const view = views.get(place.view);
  const kind = view.dataset.kind;
  document.body.dataset.view = place.view;
  document.body.dataset.kind = kind;
  view.checked = true;
  byId("toolbar").scrollLeft = view.parentElement.offsetLeft - byId("toolbar").clientWidth / 2;
  byId("paper").hidden = kind === "own";
  byId("inbox").hidden = place.view !== "inbox";
  byId("contact").hidden = place.view !== "all";
  byId("ruler").classList.toggle("no-width", kind !== "mail");
  document.title = `${state.title || stem} · ${view.dataset.label.toLowerCase()} · preview`;
  const version = state.version;
  if (place.view === "all") drawContact(stem, place, state, remote);
  else clearContact();
  width.set(place.width);
  asOnScreen(mail.frame(), place.width);
  drawRemote();
  if (kind === "own") return;
  const address = frameAddress(stem, place, place.view, version, remote);
  if (address === shown) return;
  shown = address;
  await mail.show(address, `The mail: ${view.dataset.label}`, keep);
  width.draw();
}

function drawRemote() {
  const images = state.remote_images ?? 0;
  byId("remote").hidden = !images || remote || !SHOWS_IMAGES.has(place.view);
  byId("remote-count").textContent = count(images, "image");
}

/** Draw everything that is not the mail itself. */
async function draw() {
  byId("title").textContent = state.title || stem;
  byId("draft").hidden = !state.draft;
  byId("subject").textContent = state.subject ?? "";
  byId("subject").hidden = state.subject === state.title;
  const guise = guiseOf(place);
  byId("guise").hidden = !guise;
  byId("guise").textContent = state.as_problem ? "As anybody, with defaults" : `As ${guise}`;
  byId("guise").title = state.as_problem ?? "";
  drawRemote();
  drawBroken(state.error, Boolean(state.digest));
  size.draw(state);
  tests.draw(state);
  reader.draw(state, place);
  drawInbox(state);
  const said = toldBy(state);
  const path = await source.update(said);
  findings.draw({ ...said, path }, place.on);
  const at = state.error?.where;
  if (at?.line && at.path === path && told !== state.error.message) source.go(at.line);
  told = state.error?.message;
}

/** Ask the server how it is now; the newest question counts. */
async function refresh({ aloud = false } = {}) {
  const mine = ++asked;
  try {
    const answer = await json(`/issues/${encodeURIComponent(stem)}/state.json${query(place, ["to", "as", "on"])}`);
    if (mine !== asked) return;
    state = answer;
    await draw();
    if (aloud) announce(state.error ? `Broken: ${state.error.message}` : `Updated: ${summary(state.findings)}`);
  } catch (error) {
    if (mine === asked) drawBroken({ message: error.message, hint: error.hint });
  }
}

/** Go to another view, width, list or reader; it gets an address of its own. */
async function go(wanted) {
  const before = place;
  place = { ...place, ...wanted };
  if (pane.narrow() && ("view" in wanted || "width" in wanted)) pane.show("mail");
  history.pushState(null, "", query(place));
  const same = ["to", "as", "on"].every((name) => before[name] === place[name]);
  await Promise.all([show("line"), same ? null : refresh({ aloud: true })]);
}

async function changed({ version }) {
  tell("updating");
  state.version = version;
  // The mail first: what it says of itself takes longer than to show it.
  await show("pixels");
  await refresh({ aloud: true });
  tell("live");
}

for (const [name, radio] of views) radio.addEventListener("change", () => go({ view: name }));
for (const radio of widthKeys) radio.addEventListener("change", () => go({ width: Number(radio.value) }));
byId("remote-load").addEventListener("click", () => {
  remote = true;
  byId("remote").hidden = true;
  show("pixels");
});
byId("contact").addEventListener("click", (event) => {
  const plate = event.target.closest(".plate");
  if (!plate || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go({ view: plate.dataset.view, ...(plate.dataset.width ? { width: Number(plate.dataset.width) } : {}) });
  byId("mail").focus();
});
addEventListener("popstate", () => {
  const before = place;
  place = where();
  show("line");
  if (["to", "as", "on"].some((name) => before[name] !== place[name])) refresh();
});

const press = keys([
  ["Views", [...views].map(([name, radio]) => [radio.dataset.key, radio.dataset.label, () => go({ view: name })])],
  [
    "Width",
    [
      ...widthKeys.map((radio) => [radio.dataset.key, `${radio.value} pixels`, () => go({ width: Number(radio.value) })]),
      ["[", "Narrower", () => width.by(-10)],
      ["]", "Wider", () => width.by(10)],
    ],
  ],
  [
    "Beside the mail",
    [
      ["j", "Next finding", () => (pane.show("findings"), findings.step(1))],
      ["k", "Finding before", () => (pane.show("findings"), findings.step(-1))],
      ["/", "Filter the findings", () => (pane.show("findings"), findings.filter())],
      ["r", "Choose a reader", () => pane.show("reader", { focus: true })],
      ["z", "Size", () => pane.show("size", { focus: true })],
      ["x", "Send a test", () => tests.open()],
    ],
  ],
]);

if (!location.search.includes("view=")) history.replaceState(null, "", query(place));
show("top");
draw();
listen(`/events?${new URLSearchParams({ stem })}`, changed, ({ version }, lost) => {
  // What changed before this page listened is told by the version; a server that began anew counts anew.
  if (lost) (([shown, state.version] = ["", 0]), source.forget());
  if (version !== state.version) changed({ version });
});
