// The Markdown beside the mail: the line of what was clicked, with what was found there.

import { byId, h, json, replace, sentence } from "./dom.js";

const LONGEST = 1200; // an image written into the file can be a line of half a million characters

const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} … (${text.length.toLocaleString("en")} characters)` : text);

function kindOf(text, inFront) {
  if (inFront) return "front";
  if (/^#{1,6} /.test(text)) return "heading";
  if (/^:::/.test(text)) return "box";
  return text.startsWith("<!--") ? "aside" : "text";
}

/** The pane; `choose(line)` is called when a line is chosen here. */
export function sourcePane(stem, choose) {
  const pane = byId("pane-source");
  const title = h("h2", {}, "Markdown");
  const link = h("p", { class: "target", hidden: true });
  const list = h("ol", { class: "lines", tabIndex: -1 });
  let [path, lines, findings, current, known] = ["", [], [], 0, -1];
  pane.append(h("div", { class: "source-head" }, title, link), list);

  function row(text, index, kind) {
    const number = index + 1;
    const found = findings.filter((each) => each.path === path && each.line === number);
    const button = h(
      "button",
      {
        type: "button",
        class: "number",
        "data-focus": number,
        tabIndex: number === (current || 1) ? 0 : -1,
        "aria-label": `Line ${number}`,
        onclick: () => choose(number),
      },
      String(number),
    );
    const notes = found.map((each) =>
      h("p", { class: `note is-${each.severity}` }, h("span", { class: "hidden" }, `${each.severity}: `), sentence(each.message)),
    );
    const worst = ["error", "warning", "info"].find((name) => found.some((each) => each.severity === name));
    return h(
      "li",
      {
        class: [kind, worst ? `is-${worst}` : "", number === current ? "current" : ""].filter(Boolean).join(" "),
        "data-number": number,
        "aria-current": number === current ? "true" : undefined,
      },
      button,
      h("code", {}, shortened(text) || "\u200b"),
      ...notes,
    );
  }

  function draw() {
    const end = lines[0]?.trim() === "---" ? lines.findIndex((text, at) => at > 0 && text.trim() === "---") : -1;
    replace(
      list,
      lines.map((text, index) => row(text, index, kindOf(text, index <= end))),
    );
    title.textContent = current ? `${path}:${current}` : path;
  }

  list.addEventListener("click", (event) => {
    const number = event.target.closest("li")?.dataset.number;
    if (number && event.target.localName !== "button" && !getSelection().toString()) choose(Number(number));
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = event.target.closest("li");
    const next = by === 1 ? at?.nextElementSibling : by === -1 ? at?.previousElementSibling : null;
    if (!next) return;
    event.preventDefault();
    at.querySelector(".number").tabIndex = -1;
    next.querySelector(".number").tabIndex = 0;
    next.querySelector(".number").focus();
  });

  /** Show a line in the middle of the pane; an address beside it is that of the link that was clicked. */
  function go(line, href = "") {
    current = line;
    draw();
    link.hidden = !href;
    const safe = /^(https?:|mailto:)/i.test(href);
    link.replaceChildren(...(href ? ["→ ", safe ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, href) : href] : []));
    const row = list.querySelector(`[data-number="${line}"]`);
    if (!row) return;
    list.scrollTop +=
      row.getBoundingClientRect().top - list.getBoundingClientRect().top - Math.max(0, (list.clientHeight - row.offsetHeight) / 3);
  }

  /** Read the file again when there is a new version; the findings are drawn at their lines. */
  async function update(state) {
    findings = state.findings;
    if (known !== state.version) {
      const said = await json(`/issues/${encodeURIComponent(stem)}/source.json`).catch(() => null);
      if (said) [path, lines, known] = [said.path, said.lines, state.version];
    }
    const top = list.scrollTop;
    draw();
    list.scrollTop = top;
    return path;
  }

  return { go, update, path: () => path, forget: () => (known = -1) };
}
