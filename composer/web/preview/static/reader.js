// As whom the mail is shown: a list, one of its people, or somebody whom a letter meets sooner or later; and what the merge fields became.

import { byId, count, h, json, replace, rested } from "./dom.js";

const CASE = "case:";

/** The pane; `choose({to, as})` is called when another reader is wanted. */
export function readerPane(choose) {
  const pane = byId("pane-reader");
  const list = h("select", { id: "list" });
  const search = h("input", { type: "search", id: "who", placeholder: "Name or address", autocomplete: "off", spellcheck: false });
  const people = h("ul", { class: "people" });
  const said = h("p", { class: "quiet small", role: "status" });
  const readers = h("fieldset", { class: "readers" }, h("legend", {}, "Show it as"));
  const fields = h("div", { class: "fields" });
  const problem = h("p", { class: "problem", role: "status" });
  const found = h("div", { class: "search" }, h("label", { for: "who" }, "Somebody on the list"), search, said, people);
  pane.append(h("div", { class: "pair" }, h("label", { for: "list" }, "List"), list), problem, readers, found, fields);
  let place = { to: "", as: "" };
  let asked = 0;

  list.addEventListener("change", () => choose({ to: list.value, as: place.as.startsWith(CASE) ? place.as : "" }));

  async function find() {
    const mine = ++asked;
    if (!place.to) return people.replaceChildren();
    try {
      const answer = await json(`/people.json?${new URLSearchParams({ to: place.to, q: search.value })}`);
      if (mine === asked) show(Array.isArray(answer) ? answer : (answer.people ?? []));
    } catch (error) {
      people.replaceChildren();
      said.textContent = error.message;
    }
  }

  function show(entries) {
    said.textContent = entries.length ? "" : "Nobody of that name or address.";
    replace(
      people,
      entries.map((each) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "person",
              "data-focus": each.email,
              "aria-pressed": String(each.email === place.as),
              onclick: () => choose({ as: each.email === place.as ? "" : each.email }),
            },
            h("span", {}, each.name || each.email),
            each.name ? h("span", { class: "quiet" }, each.email) : null,
          ),
        ),
      ),
    );
  }
  search.addEventListener("input", rested(find, 120));

  function option(value, label, kind = "") {
    return h(
      "label",
      { class: `option ${kind}` },
      h("input", {
        type: "radio",
        name: "as",
        value,
        "data-focus": `as ${value}`,
        checked: place.as === value,
        onchange: () => choose({ as: value }),
      }),
      h("span", {}, label),
    );
  }

  function drawFields(state) {
    const entries = state.fields ?? [];
    const missing = entries.filter((each) => each.missing);
    const row = (each) =>
      h(
        "tr",
        { class: each.missing ? "missing" : "" },
        h("th", { scope: "row" }, h("code", {}, each.name)),
        h(
          "td",
          {},
          each.missing
            ? h("span", { class: "lack" }, "missing")
            : each.value
              ? String(each.value)
              : h("span", { class: "quiet" }, "each reader's own"),
        ),
      );
    const head = missing.length
      ? h(
          "p",
          { class: "lack-note" },
          `${count(missing.length, "field")} ${missing.length === 1 ? "has" : "have"} no value for this reader.`,
        )
      : null;
    const table = h(
      "table",
      {},
      h("caption", {}, "Merge fields"),
      h("tbody", {}, [...missing, ...entries.filter((each) => !each.missing)].map(row)),
    );
    replace(fields, head, entries.length ? table : h("p", { class: "quiet small" }, "This issue has no merge fields."));
  }

  function draw(state, given) {
    const moved = given.to !== place.to;
    place = given;
    const entries = (state.lists ?? []).map((each) =>
      h("option", { value: each.name }, `${each.title || each.name}${each.count === null ? "" : ` · ${each.count.toLocaleString("en")}`}`),
    );
    list.replaceChildren(h("option", { value: "" }, "No list"), ...entries);
    list.value = given.to;
    problem.textContent = state.as_problem ?? "";
    const person = given.as && !given.as.startsWith(CASE) ? [option(given.as, given.as)] : [];
    replace(
      readers,
      h("legend", {}, "Show it as"),
      option("", "Anybody, with defaults"),
      person,
      (state.cases ?? []).map((name) => option(CASE + name, name, "case")),
    );
    found.hidden = !given.to;
    drawFields(state);
    if (moved || !people.children.length) find();
    else
      for (const button of people.querySelectorAll("button"))
        button.setAttribute("aria-pressed", String(button.lastChild.textContent === given.as));
  }

  return { draw };
}

/** Say who the reader is, when it is somebody; else nothing. */
export function guiseOf(place) {
  return place.as.startsWith(CASE) ? place.as.slice(CASE.length) : place.as;
}
