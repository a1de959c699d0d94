"use strict";
// Shows the answers that the page holds, compressed, as a grid of items by cells, one page of it at a time. Sets texts
// only, never markup. The address after # names what is open: #item=ID&cell=PLACE&seed=SEED.
(function () {
  const PER_PAGE = 25, MOST_COLUMNS = 8, SHORT = 160, MANY = 5000, WAIT_MS = 150;
  const byId = (id) => document.getElementById(id);
  const collator = new Intl.Collator("en", { numeric: true });

  function element(parent, tag, text, attributes) {
    const e = parent.appendChild(document.createElement(tag));
    if (text !== undefined) e.textContent = text;
    for (const name in attributes) e.setAttribute(name, attributes[name]);
    return e;
  }

  const short = (text) => text.length > SHORT ? text.slice(0, SHORT) + "\u2026" : text;

  // ---- tables that are there without this program: their columns sort ----

  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const direction = turned(table, head);
        const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
        body.append(...[...body.rows].sort((a, b) => direction * collated(key(a), key(b))));
      });
    });
  }

  function collated(a, b) {
    const difference = Number(a) - Number(b);
    return Number.isNaN(difference) ? collator.compare(a, b) : difference;
  }

  function turned(table, head) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    return up ? 1 : -1;
  }

  // ---- what is to be shown ----

  let data, columns, found, page = 0, sorting = null, opened = null, chosen = null, focus = [0, 0];

  async function unpacked(text) {
    const packed = atob(text), bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // A sample: [answer, score, text, end of its prompt, log-probability, prompt's tokens, new tokens, finish, seeds]
  const ANSWER = 0, SCORE = 1, TEXT = 2, PROMPT = 3, LOGPROB = 4, N_PROMPT = 5, N_NEW = 6, FINISH = 7, SEEDS = 8;
  const samples = (item, cell) => data.samples[item][cell];
  const rendered = (cell, sample) => data.cells[cell].shared + sample[PROMPT];
  const mean = (of) => of.reduce((sum, s) => sum + s[SCORE] * s[SEEDS].length, 0) / of.reduce((n, s) => n + s[SEEDS].length, 0);
  const score = (item, cell) => mean(samples(item, cell));
  const answers = (item, cell) => samples(item, cell).map((s) => s[ANSWER] ?? "").join("\n");

  const SHOWN = {
    "all": ["all items", () => true],
    "differ": ["where they differ", (item) => new Set(columns.map((c) => data.binary ? score(item, c) : score(item, c) + "\n" + answers(item, c))).size > 1],
    "wrong": ["where one is wrong", (item) => columns.some((c) => score(item, c) < 1)],
    "all-wrong": ["where all are wrong", (item) => columns.every((c) => score(item, c) === 0)],
    "all-right": ["where all are right", (item) => columns.every((c) => score(item, c) === 1)],
    "none": ["where one has no answer", (item) => columns.some((c) => samples(item, c).some((s) => s[ANSWER] === null))],
  };
  const FOR_ANY_SCORE = ["all", "differ", "none"];

  function texts(item) {
    const own = data.items[item];
    const out = [own.id, own.question, own.reference, ...own.fields.flat()];
    for (const c of columns) for (const s of samples(item, c)) out.push(s[ANSWER] ?? "", s[TEXT], rendered(c, s));
    return out;
  }

  function filter() {
    const wanted = SHOWN[byId("show").value][1], words = byId("search").value.toLowerCase();
    found = data.items.map((_, i) => i).filter((i) => wanted(i) && (!words || texts(i).some((t) => t.toLowerCase().includes(words))));
    if (sorting) {
      const keys = new Map(found.map((i) => [i, sorting.key(i)]));
      found.sort((a, b) => sorting.direction * collated(keys.get(a), keys.get(b)) || a - b);
    }
    page = 0;
    focus = [0, 0];
  }

  // ---- the grid ----

  function mark(of) {
    const value = mean(of);
    if (!data.binary) return { symbol: value.toPrecision(3), said: "", kind: "" };
    if (value === 1) return { symbol: "\u2713", said: "right", kind: "right" };
    if (value === 0) return { symbol: "\u2717", said: "wrong", kind: "wrong" };
    return { symbol: Math.round(100 * value) + " %", said: "right", kind: "part" };
  }

  function address(item, cell, seed) {
    const parts = { item: data.items[item].id, ...(cell === undefined ? {} : { cell }), ...(seed === undefined ? {} : { seed }) };
    return "#" + new URLSearchParams(parts);
  }

  function put(parent, of) {
    const m = mark(of), distinct = [...new Set(of.map((s) => s[ANSWER] ?? "no answer"))];
    if (m.symbol) element(parent, "span", m.symbol + (m.kind === "part" ? ": " : " "), m.said ? { "aria-hidden": "true" } : {});
    if (m.said) element(parent, "span", m.kind === "part" ? m.symbol + " right: " : m.said + ": ", { class: "unseen" });
    element(parent, "span", short(distinct.join(", ")));
    return m.kind;
  }

  function heading(row, name, title, value, key, more) {
    const head = element(row, "th", undefined, { scope: "col", role: "columnheader", class: name });
    const button = element(head, "button", title, { type: "button" });
    if (value) element(head, "div", value, { class: "value note" });
    button.addEventListener("click", () => {
      const direction = sorting && sorting.id === name + title ? -sorting.direction : 1;
      sorting = { id: name + title, key, direction };
      filter();
      show();
      const again = [...byId("answers").tHead.rows[0].cells].find((h) => h.hasAttribute("aria-sort"));
      again.firstChild.focus();
    });
    if (sorting && sorting.id === name + title) head.setAttribute("aria-sort", sorting.direction > 0 ? "ascending" : "descending");
  }

  function head(table) {
    const row = element(element(table, "thead", undefined, { role: "rowgroup" }), "tr", undefined, { role: "row", "aria-rowindex": 1 });
    heading(row, "item", "Item", "", (i) => data.items[i].id);
    heading(row, "question", "Question", "", (i) => data.items[i].question);
    heading(row, "reference", "Reference", "", (i) => data.items[i].reference);
    for (const c of columns) heading(row, "answer", data.cells[c].name, data.cells[c].value, (i) => score(i, c));
  }

  function row(body, item, index) {
    const own = data.items[item];
    const tr = element(body, "tr", undefined, { role: "row", "aria-rowindex": index + 2 });
    const id = element(tr, "th", undefined, { scope: "row", role: "rowheader", class: "item", "data-title": "Item" });
    element(id, "a", own.id, { href: address(item), tabindex: -1 });
    const question = element(tr, "td", undefined, { role: "gridcell", class: "question", "data-title": "Question" });
    element(question, "span", own.question, { class: "text" });
    element(tr, "td", own.reference, { role: "gridcell", class: "reference", "data-title": "Reference" });
    for (const c of columns) {
      const td = element(tr, "td", undefined, { role: "gridcell", "data-title": data.cells[c].name });
      const link = element(td, "a", undefined, { href: address(item, c), tabindex: -1 });
      td.className = "answer " + put(link, samples(item, c));
      const [first] = samples(item, c), said = first[TEXT].trim();
      if (said !== first[ANSWER]) element(td, "span", short(said), { class: "text" });
      td.addEventListener("click", (event) => { if (event.target.tagName !== "A") link.click(); });
    }
    for (const td of tr.cells) td.tabIndex = -1;
    if (opened === item) details(body, item);
  }

  function card(parent, item, cell) {
    const of = samples(item, cell), own = data.cells[cell];
    for (const s of of) {
      const seed = of.length > 1 ? s[SEEDS][0] : undefined;
      const isChosen = chosen && chosen.cell === cell && (chosen.seed === undefined || s[SEEDS].includes(chosen.seed));
      const article = element(parent, "article", undefined, { tabindex: -1, ...(isChosen ? { class: "chosen" } : {}) });
      const title = element(article, "h4");
      element(title, "a", own.name + (seed === undefined ? "" : ", seed " + s[SEEDS].join(", ")), { href: address(item, cell, seed) });
      const line = element(article, "p", undefined, { class: "note" });
      const kind = put(element(line, "span"), [s]);
      line.firstChild.className = "mark " + kind;
      const facts = s[LOGPROB] === null ? [] : ["log-probability " + s[LOGPROB]];
      if (s[N_NEW]) facts.push(s[N_NEW] + " new tokens", "ended by " + s[FINISH]);
      element(line, "span", " " + facts.join(", "));
      element(article, "pre", s[TEXT], { class: "completion" });
      const prompt = element(article, "details", undefined, isChosen && (s === of[0] || chosen.seed !== undefined) ? { open: "" } : {});
      element(prompt, "summary", "Prompt, " + s[N_PROMPT] + " tokens");
      element(prompt, "pre", rendered(cell, s), { class: "rendered" });
    }
  }

  function details(body, item) {
    const tr = element(body, "tr", undefined, { role: "row", class: "details" });
    const td = element(tr, "td", undefined, { role: "gridcell", colspan: 3 + columns.length });
    const section = element(td, "section", undefined, { "aria-label": "Item " + data.items[item].id });
    const top = element(section, "div", undefined, { class: "head" });
    element(top, "h3", "Item " + data.items[item].id);
    element(top, "button", "Close", { type: "button", class: "close" }).addEventListener("click", close);
    const list = element(section, "dl", undefined, { class: "fields" });
    for (const [name, value] of [["question", data.items[item].question], ["reference", data.items[item].reference], ...data.items[item].fields]) {
      element(list, "dt", name);
      element(list, "dd", value);
    }
    const cards = element(section, "div", undefined, { class: "cards" });
    for (const c of columns) card(cards, item, c);
  }

  function show() {
    const n_pages = Math.max(1, Math.ceil(found.length / PER_PAGE)), first = Math.min(Math.max(page, 0), n_pages - 1) * PER_PAGE;
    page = first / PER_PAGE;
    byId("count").textContent = found.length.toLocaleString("en") + " of " + data.items.length.toLocaleString("en") + " items";
    const last = Math.min(first + PER_PAGE, found.length);
    byId("page").textContent = "page " + (page + 1) + " of " + n_pages + ": " + (first + 1) + " to " + last + " of " + found.length.toLocaleString("en") + " items";
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === n_pages - 1;
    byId("pages").hidden = n_pages === 1;
    const table = byId("answers");
    table.replaceChildren();
    table.style.setProperty("--cells", columns.length);
    table.setAttribute("aria-rowcount", found.length + 1);
    table.setAttribute("aria-colcount", 3 + columns.length);
    head(table);
    const body = element(table, "tbody", undefined, { role: "rowgroup" });
    found.slice(first, first + PER_PAGE).forEach((item, i) => row(body, item, first + i));
    table.style.setProperty("--head", table.tHead.offsetHeight + "px");
    const start = at(...focus) ?? at(0, 0);
    if (start) start.tabIndex = 0;
  }

  // ---- keys ----

  const rows = () => [...byId("answers").tBodies[0].rows].filter((r) => r.className !== "details");
  const at = (y, x) => rows()[y]?.cells[x];

  function move(y, x) {
    const next = at(y, x);
    if (!next) return;
    at(...focus).tabIndex = -1;
    focus = [y, x];
    next.tabIndex = 0;
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function key(event) {
    const cell = event.target.closest("#answers tbody tr:not(.details) > *");
    if (event.key === "Escape" && opened !== null) { close(); event.preventDefault(); return; }
    if (!cell || event.target !== cell || event.ctrlKey || event.altKey || event.metaKey) return;
    const y = rows().indexOf(cell.parentElement), x = cell.cellIndex, last = cell.parentElement.cells.length - 1;
    const steps = {
      ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], Home: [y, 0], End: [y, last],
      PageUp: [0, x], PageDown: [rows().length - 1, x],
    };
    if (event.key in steps) move(...steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") (cell.querySelector("a") ?? cell.parentElement.querySelector("a")).click();
    else return;
    event.preventDefault();
  }

  // ---- what is open ----

  function close() {
    opened = chosen = null;
    history.replaceState(null, "", location.href.split("#")[0]);
    show();
    move(...focus);
  }

  function follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const cell = asked.has("cell") ? Number(asked.get("cell")) : undefined;
    const item = data.items.findIndex((i) => i.id === asked.get("item"));
    if (cell !== undefined && !data.cells[cell] || item < 0 && cell === undefined) return;
    if (item < 0) columns = [cell];
    else if (cell !== undefined && !columns.includes(cell)) columns = [...columns, cell].sort((a, b) => a - b);
    boxes();
    if (item < 0) {
      filter();
      show();
      byId("answers-title").scrollIntoView();
      return;
    }
    if (!found.includes(item)) {
      byId("show").value = "all";
      byId("search").value = "";
      filter();
    }
    opened = item;
    chosen = { cell, seed: asked.has("seed") ? Number(asked.get("seed")) : undefined };
    page = Math.floor(found.indexOf(item) / PER_PAGE);
    focus = [found.indexOf(item) % PER_PAGE, cell === undefined ? 0 : 3 + columns.indexOf(cell)];
    show();
    at(...focus).focus({ preventScroll: true });
    at(...focus).parentElement.scrollIntoView({ block: "start" });
  }

  function boxes() {
    for (const box of byId("columns").querySelectorAll("input")) box.checked = columns.includes(Number(box.value));
  }

  function controls() {
    for (const name of data.binary ? Object.keys(SHOWN) : FOR_ANY_SCORE) element(byId("show"), "option", SHOWN[name][0], { value: name });
    const set = byId("columns").querySelector("fieldset");
    data.cells.forEach((c, i) => {
      const label = element(set, "label");
      element(label, "input", undefined, { type: "checkbox", value: i });
      element(label, "span", " " + c.name);
    });
    boxes();
    set.addEventListener("change", () => {
      const checked = [...set.querySelectorAll("input:checked")].map((box) => Number(box.value));
      if (checked.length) columns = checked;
      boxes();
      filter();
      show();
    });
    let waiting = 0;
    byId("search").addEventListener("input", () => { // large reports wait for the end of a word
      clearTimeout(waiting);
      if (data.items.length * data.cells.length > MANY) waiting = setTimeout(() => { filter(); show(); }, WAIT_MS);
      else { filter(); show(); }
    });
    byId("show").addEventListener("change", () => { filter(); show(); });
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    const turn = (by) => { page += by; focus = [0, 0]; show(); byId("answers-title").scrollIntoView(); };
    byId("previous").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
    byId("answers").addEventListener("keydown", key);
    byId("answers").addEventListener("click", (event) => { // once more on what is open closes it
      const link = event.target.closest("a");
      if (!link || link.hash !== location.hash || opened === null) return;
      event.preventDefault();
      close();
    });
    window.addEventListener("hashchange", follow);
  }

  async function start() {
    document.querySelectorAll("table.sortable").forEach(sortable);
    byId("count").textContent = "reading \u2026";
    data = await unpacked(byId("data").textContent);
    columns = data.best.slice(0, MOST_COLUMNS).sort((a, b) => a - b);
    controls();
    filter();
    show();
    follow();
    document.documentElement.dataset.ready = "";
  }

  start();
})();
