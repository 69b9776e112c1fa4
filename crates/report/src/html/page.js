// What the page can do beside being read: filter, sort, open all. Without it everything is there, too. It makes no
// element of text, and asks for nothing.
"use strict";
(() => {
  document.documentElement.classList.add("js");

  function start(section) {
    const list = section.querySelector(".list");
    if (!list) return;
    const rows = [...list.children].map((element, index) => {
      const { s, k, x, l, p, f, t } = element.dataset;
      const text = element.textContent.toLowerCase();
      const id = element.querySelector("b").textContent;
      return { element, index, text, id, severity: Number(s), kind: k, fixable: x === "1", layer: l, package: p, fix: f, standing: t };
    });
    const wanted = { words: [], severity: "", kind: "", layer: "", standing: "", package: "", fixable: false };
    const tools = section.querySelector(".tools");
    const shown = section.querySelector(".shown");
    const empty = section.querySelector(".empty");
    const control = (name) => tools.querySelector(`[data-control="${name}"]`);

    function fits(row) {
      return (!wanted.severity || row.severity === Number(wanted.severity)) &&
        (!wanted.kind || row.kind === wanted.kind) &&
        (!wanted.layer || row.layer === wanted.layer) &&
        (!wanted.standing || row.standing === wanted.standing) &&
        (!wanted.package || row.package === wanted.package) &&
        (!wanted.fixable || row.fixable) &&
        wanted.words.every((word) => row.text.includes(word));
    }

    function apply() {
      let count = 0;
      for (const row of rows) {
        const is = fits(row);
        row.element.hidden = !is;
        count += is ? 1 : 0;
      }
      shown.textContent = count === rows.length ? `${count} findings` : `${count} of ${rows.length} findings`;
      empty.hidden = count > 0;
      for (const pick of section.querySelectorAll("[data-pick]")) {
        pick.setAttribute("aria-pressed", String(wanted[pick.dataset.pick] === pick.dataset.value));
      }
      for (const name of ["severity", "kind", "layer", "standing"]) {
        const select = control(name);
        if (select) select.value = wanted[name];
      }
    }

    for (const name of ["severity", "kind", "layer", "standing"]) {
      control(name)?.addEventListener("change", (event) => { wanted[name] = event.target.value; apply(); });
    }
    control("fixable").addEventListener("change", (event) => { wanted.fixable = event.target.checked; apply(); });
    let timer = 0;
    control("search").addEventListener("input", (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        wanted.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
        apply();
      }, 80);
    });
    control("reset").addEventListener("click", () => {
      Object.assign(wanted, { words: [], severity: "", kind: "", layer: "", standing: "", package: "", fixable: false });
      control("search").value = "";
      control("fixable").checked = false;
      apply();
    });
    control("open").addEventListener("click", (event) => {
      const open = event.target.getAttribute("aria-pressed") !== "true";
      for (const row of rows) row.element.open = open && !row.element.hidden;
      event.target.setAttribute("aria-pressed", String(open));
      event.target.textContent = open ? "Close all" : "Open all";
    });
    for (const pick of section.querySelectorAll("[data-pick]")) {
      pick.addEventListener("click", () => {
        const { pick: name, value } = pick.dataset;
        wanted[name] = wanted[name] === value ? "" : value;
        apply();
        if (wanted[name]) tools.scrollIntoView({ block: "nearest" });
      });
    }

    const order = new Intl.Collator("en", { numeric: true });
    const compare = {
      severity: (a, b) => b.severity - a.severity,
      id: (a, b) => order.compare(a.id, b.id),
      package: (a, b) => order.compare(a.package, b.package),
      fix: (a, b) => Number(b.fixable) - Number(a.fixable) || order.compare(a.fix, b.fix),
      layer: (a, b) => Number(a.layer || -1) - Number(b.layer || -1),
    };
    const sorts = [...section.querySelectorAll(".sort")];
    for (const sort of sorts) {
      sort.addEventListener("click", () => {
        const down = sort.classList.contains("up");
        for (const other of sorts) {
          other.classList.remove("up", "down");
          other.removeAttribute("aria-description");
        }
        sort.classList.add(down ? "down" : "up");
        sort.setAttribute("aria-description", down ? "sorted, last first" : "sorted");
        const by = compare[sort.dataset.sort];
        rows.sort((a, b) => (down ? -by(a, b) : by(a, b)) || a.index - b.index);
        list.append(...rows.map((row) => row.element));
      });
    }
    apply();
  }

  // A link to a finding opens it, also where a filter hides it.
  function led() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target?.matches("details.f")) return;
    target.hidden = false;
    target.open = true;
    target.scrollIntoView({ block: "center" });
  }

  for (const section of document.querySelectorAll(".case")) start(section);
  addEventListener("hashchange", led);
  led();
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector('[data-control="search"]');
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });
})();
