// What is shown, and the address that says so: view, width, list, reader and day stand in the query.

const NAMES = ["to", "as", "view", "width", "on"];
const NARROWEST = 280;
const WIDEST = 1200;

/** Keep a width within what can be shown. */
export const fitting = (width) => Math.min(WIDEST, Math.max(NARROWEST, Math.round(width)));

/** Read what an address asks for; what it leaves open is the default. */
export function read(search, views) {
  const query = new URLSearchParams(search);
  const place = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
  if (!views.includes(place.view)) place.view = "light";
  const width = Number.parseInt(place.width, 10);
  place.width = width ? fitting(width) : window.innerWidth < 720 ? 375 : 800;
  return place;
}

/** Return the query of some of the names, with what else is given; empty ones are left out. */
export function query(place, names = NAMES, more = {}) {
  const pairs = [...names.map((name) => [name, place[name]]), ...Object.entries(more)];
  const said = pairs.filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return `?${new URLSearchParams(said.map(([name, value]) => [name, String(value)]))}`;
}

/** Return the address of the document that shows one view of the mail. */
export function frameAddress(stem, place, view, version, remote) {
  return `/issues/${encodeURIComponent(stem)}/frame/${view}${query(place, ["to", "as", "on"], { version, remote: remote ? 1 : 0 })}`;
}
