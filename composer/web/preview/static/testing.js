// The test send: to whom, as whom, what became of each message, and whether the letter is still the one that was tested.

import { announce, byId, h, json, replace, sentence, when } from "./dom.js";
import { summary } from "./findings.js";

const WORDS = {
  accepted: "Accepted",
  deferred: "Put off",
  rejected: "Refused",
  unknown: "Nobody knows",
  unbuilt: "Could not be built",
  not_sent: "Not sent",
  failed: "Failed",
};
const WAYS = { sendgrid: "SendGrid", smtp: "the mail server" };
const short = (digest) => (digest ?? "").slice(0, 12);

/** Say how the last test and the letter as it is now go together. */
export function standing(last) {
  if (!last) return ["none", "Not tested yet"];
  return last.same_digest ? ["same", "Tested as it is now"] : ["changed", "Changed since the last test"];
}

function remarks(result) {
  const left = Object.entries(result.left_out ?? {}).map(([reason, number]) => `${number} left out: ${reason.replaceAll("_", " ")}.`);
  const stopped = result.stopped ? [`Stopped: ${result.stopped}${result.not_tried ? ` (${result.not_tried} not tried)` : ""}`] : [];
  return [...left, ...stopped].map((words) => h("p", { class: "problem" }, words));
}

const told = (outcomes) =>
  Object.entries(outcomes ?? {})
    .map(([name, number]) => `${number} ${(WORDS[name] ?? name).toLowerCase()}`)
    .join(", ");

/** The pane and the dialog; `asked()` gives {stem, token, state, to, as}, `done()` is called after a test. */
export function testing(asked, done) {
  const [pane, dialog] = [byId("pane-test"), byId("test-dialog")];
  const staff = h("div", { class: "staff" });
  const typed = h("textarea", { id: "typed", rows: 2, placeholder: "name@example.org", autocomplete: "off", spellcheck: false });
  const meant = h("select", { id: "meant", autofocus: true });
  const guise = h("p", { class: "quiet small" });
  const way = h("p", { class: "quiet small way" });
  const found = h("p", { class: "problem small found-before" });
  const outcome = h("div", { class: "outcome", role: "status" });
  const send = h("button", { type: "submit", class: "primary" }, "Send the test");
  const form = h(
    "form",
    { method: "dialog", novalidate: "" },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "test-heading" }, "Send a test"),
      h("button", { type: "button", class: "round", "aria-label": "Close", onclick: () => dialog.close() }, "×"),
    ),
    h("div", { class: "pair" }, h("label", { for: "meant" }, "Set for the list"), meant),
    guise,
    found,
    h("fieldset", {}, h("legend", {}, "To"), staff, h("label", { for: "typed" }, "Other addresses, one a line or with commas"), typed),
    way,
    outcome,
    h(
      "div",
      { class: "dialog-foot" },
      h("p", { class: "quiet small digest" }),
      h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      send,
    ),
  );
  dialog.append(form);

  async function open() {
    const { state, to, as } = asked();
    meant.replaceChildren(...(state.lists ?? []).map((each) => h("option", { value: each.name }, each.title || each.name)));
    meant.value = to || meant.options[0]?.value || "";
    guise.textContent = as ? `Merged as ${as.replace(/^case:/, "")}, delivered to the people below.` : "Everybody gets it as themselves.";
    way.textContent = state.real
      ? `It goes out through ${WAYS[state.transport] ?? state.transport}.`
      : "A rehearsal: it goes into the outbox folder, and nothing leaves this machine.";
    const errors = (state.findings ?? []).some((each) => each.severity === "error");
    found.hidden = !errors;
    found.textContent = errors ? `${summary(state.findings)}. A test goes out all the same; a public list gets nothing before the errors are mended.` : "";
    outcome.replaceChildren();
    form.querySelector(".digest").replaceChildren("Edition ", h("code", {}, short(state.digest)));
    dialog.showModal();
    if (staff.children.length) return;
    try {
      const answer = await json("/testers.json");
      const people = Array.isArray(answer) ? answer : (answer.testers ?? answer.people ?? []);
      staff.replaceChildren(
        ...people.map((each) =>
          h(
            "label",
            { class: "option" },
            h("input", { type: "checkbox", name: "tester", value: each.email }),
            h("span", {}, each.name || each.email, each.name ? h("span", { class: "quiet" }, ` ${each.email}`) : null),
          ),
        ),
      );
      if (!people.length) staff.append(h("p", { class: "quiet small" }, "No list of kind staff has anybody in it."));
    } catch (error) {
      staff.replaceChildren(h("p", { class: "problem" }, sentence(error.message)));
    }
  }

  const chosen = () => [
    ...new Set([...[...staff.querySelectorAll(":checked")].map((each) => each.value), ...typed.value.split(/[\s,;]+/).filter(Boolean)]),
  ];

  function show(result) {
    const row = (each) =>
      h(
        "tr",
        { class: `went-${each.outcome}` },
        h("th", { scope: "row" }, each.email),
        h("td", {}, WORDS[each.outcome] ?? each.outcome),
        h("td", { class: "quiet" }, each.answer ?? ""),
      );
    const where = result.real
      ? `Handed to ${result.place}.`
      : `A rehearsal: nothing left this machine. The messages are in ${result.place}.`;
    outcome.replaceChildren(
      h(
        "table",
        {},
        h("caption", {}, `${when(result.when)} · edition ${short(result.digest)}`),
        h("tbody", {}, (result.outcomes ?? []).map(row)),
      ),
      h("p", { class: "small" }, where),
      ...remarks(result),
    );
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { stem, token, as } = asked();
    const to = chosen();
    if (!to.length) {
      outcome.replaceChildren(h("p", { class: "problem" }, "Choose somebody, or type an address."));
      return typed.focus();
    }
    send.disabled = true;
    outcome.replaceChildren(h("p", { class: "quiet" }, "Sending…"));
    try {
      const headers = { "Content-Type": "application/json", "X-Preview-Token": token };
      show(
        await json(`/issues/${encodeURIComponent(stem)}/test`, {
          method: "POST",
          headers,
          body: JSON.stringify({ to, for: meant.value, as }),
        }),
      );
      done();
    } catch (error) {
      const more = error.status === 403 ? "Load this page again." : error.hint;
      outcome.replaceChildren(h("p", { class: "problem" }, h("strong", {}, sentence(error.message)), more ? ` ${more}` : ""));
    }
    send.disabled = false;
  });

  function draw(state) {
    const [name, words] = standing(state.last_test);
    const chip = byId("tested");
    if (chip.dataset.state && chip.dataset.state !== name && name === "changed") announce(words);
    [chip.hidden, chip.dataset.state, chip.textContent] = [false, name, words];
    const last = state.last_test;
    const facts = last
      ? [
          ["When", when(last.when)],
          ["By", last.sender],
          ["Outcome", told(last.outcomes)],
        ]
      : [];
    replace(
      pane,
      h("p", { class: `standing is-${name}` }, words),
      h(
        "dl",
        { class: "facts" },
        [...facts, ["Edition now", h("code", { title: state.digest }, short(state.digest))]]
          .filter(([, value]) => value)
          .flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
      ),
      h(
        "p",
        { class: "small quiet" },
        "A test goes to your colleagues as the list will get it, marked [TEST], with links that unsubscribe nobody.",
      ),
      h("button", { type: "button", class: "primary", "data-focus": "open", onclick: open }, "Send a test…"),
    );
  }

  byId("open-test").addEventListener("click", open);
  return { draw, open };
}
