"use strict";
// Shows the samples that lie in the page as JSON. Sets texts only, never markup.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = Object.fromEntries(data.columns.map((name, i) => [name, i]));
  const REST = data.columns.length, PER_PAGE = 50;
  const shown = ["cell", "item_id", "seed", "answer", "reference", "score", "n_new", "finish", "text"];
  const byId = (id) => document.getElementById(id);
  const rendered = (s) => data.cells[s[at.cell]].shared + s[REST];
  let found = data.samples, page = 0;

  function element(parent, tag, text, className) {
    const e = parent.appendChild(document.createElement(tag));
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  }

  function option(select, value, text) { element(select, "option", text).value = value; }

  function value(s, name) {
    const v = s[at[name]];
    if (name === "cell") return data.cells[v].label;
    if (v === null) return "\u2013";
    if (name === "text" && v.length > 160) return v.slice(0, 160) + "\u2026";
    return typeof v === "number" && !Number.isInteger(v) ? v.toPrecision(4) : String(v);
  }

  function details(tbody, s) {
    const cell = element(element(tbody, "tr", undefined, "details"), "td");
    cell.colSpan = shown.length;
    element(cell, "strong", "prompt (" + s[at.n_prompt] + " tokens)");
    element(cell, "pre", rendered(s), "rendered");
    const logprob = s[at.logprob] === null ? "" : ", log-probability " + s[at.logprob].toFixed(3);
    element(cell, "strong", "answer (" + s[at.n_new] + " tokens" + logprob + ")");
    element(cell, "pre", s[at.text], "completion");
  }

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    byId("count").textContent = found.length + " of " + data.samples.length + " samples";
    byId("page").textContent = "page " + (page + 1) + " of " + pages;
    const tbody = document.createElement("tbody");
    for (const s of found.slice(page * PER_PAGE, (page + 1) * PER_PAGE)) {
      const row = element(tbody, "tr", undefined, "row");
      for (const name of shown) {
        const td = element(row, "td", value(s, name));
        if (name === "score" && data.binary) td.className = s[at.score] === 1 ? "right" : "wrong";
      }
      row.addEventListener("click", () => {
        const next = row.nextElementSibling;
        if (next && next.className === "details") { next.remove(); return; }
        const holder = document.createElement("tbody");
        details(holder, s);
        row.after(holder.firstChild);
      });
    }
    byId("samples").tBodies[0].replaceWith(tbody);
  }

  function filter() {
    const words = byId("search").value.toLowerCase(), cell = byId("filter-cell").value;
    const score = byId("filter-score").value, answer = byId("filter-answer").value;
    found = data.samples.filter((s) =>
      (cell === "" || s[at.cell] === Number(cell)) &&
      (score === "" || (score === "right") === (s[at.score] === 1)) &&
      (answer === "" || (answer === "none") === (s[at.answer] === null)) &&
      (words === "" || [rendered(s), s[at.text], s[at.answer], s[at.reference], s[at.item_id]]
        .some((t) => t !== null && t.toLowerCase().includes(words))));
    page = 0;
    show();
  }

  function prompts() {
    const item = byId("prompt-item").value, holder = byId("prompts");
    holder.replaceChildren();
    data.cells.forEach((c, i) => {
      const s = data.samples.find((x) => x[at.cell] === i && x[at.item_id] === item);
      if (!s) return;
      const column = element(holder, "div");
      element(column, "strong", c.label + ", " + s[at.n_prompt] + " tokens");
      element(column, "pre", rendered(s));
    });
  }

  for (const name of shown) element(byId("samples").tHead.rows[0], "th", name === "score" ? data.metric : name);
  data.cells.forEach((c, i) => option(byId("filter-cell"), i, c.label));
  if (data.binary) { option(byId("filter-score"), "right", "right"); option(byId("filter-score"), "wrong", "wrong"); }
  for (const id of new Set(data.samples.map((s) => s[at.item_id]))) option(byId("prompt-item"), id, id);
  byId("prompt-item").addEventListener("change", prompts);
  byId("search").addEventListener("input", filter);
  for (const id of ["filter-cell", "filter-score", "filter-answer"]) byId(id).addEventListener("change", filter);
  byId("filters").addEventListener("submit", (e) => e.preventDefault());
  byId("previous").addEventListener("click", () => { page--; show(); });
  byId("next").addEventListener("click", () => { page++; show(); });
  prompts();
  show();
})();
