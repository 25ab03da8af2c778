// The tabs beside the mail, after the WAI-ARIA pattern: arrows move, one tab stop. On a narrow screen the mail and the source are tabs too.

import { byId } from "./dom.js";

const NARROW = matchMedia("(max-width: 899px)");

/** Return what shows a tab by its name: mail, findings, source, reader, size, test. */
export function tabs() {
  const all = [...document.querySelectorAll('[role="tab"]')];
  const nameOf = (tab) => tab.id.slice("tab-".length);
  const usable = () => all.filter((tab) => tab.offsetParent !== null);

  function show(name, { focus = false } = {}) {
    for (const tab of all) {
      const chosen = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      const pane = byId(tab.getAttribute("aria-controls"));
      if (pane.classList.contains("pane")) pane.hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
    document.body.dataset.pane = name;
  }

  for (const tab of all) {
    tab.addEventListener("click", () => show(nameOf(tab)));
    tab.addEventListener("keydown", (event) => {
      const tabsNow = usable();
      const by = { ArrowRight: 1, ArrowLeft: -1, Home: -tabsNow.indexOf(tab), End: tabsNow.length - 1 - tabsNow.indexOf(tab) }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      show(nameOf(tabsNow[(tabsNow.indexOf(tab) + by + tabsNow.length) % tabsNow.length]), { focus: true });
    });
  }

  const settle = () => {
    const own = ["mail", "source"].includes(document.body.dataset.pane);
    if (NARROW.matches) show("mail");
    else if (own || !document.body.dataset.pane) show("findings");
  };
  NARROW.addEventListener("change", settle);
  settle();
  return { show, narrow: () => NARROW.matches };
}
