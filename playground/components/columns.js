// One text in the tokens of several tokenizers. Pointing at a token, or walking there with the arrow keys, lights
// the same stretch of the text in all columns; a click selects, and Python is told.

export default function (component) {
  return render(component, (root, head, kept) => {
    new Columns(root, head, kept);
  });
}

class Columns {
  constructor(root, head, kept) {
    Object.assign(this, { root, head, kept });
    kept.scrolled ??= {};
    this.lit = [];
    const focused = focusedIn(root);
    this.columns = head.columns.map((column, c) => this.column(column, c));
    const grid = el("div", { class: "columns", style: { "--n": head.columns.length } }, ...this.columns.map(({ section }) => section));
    root.replaceChildren(grid, this.more() ?? "", legend(head));
    this.columns.forEach(({ list }, c) => {
      if (list) list.scrollTop = kept.scrolled[head.columns[c].key] ?? 0;
    });
    if (focused) this.refocus(focused);
    this.rest();
  }

  column(column, c) {
    const made = { column };
    const title = el("h3", {}, el("span", { text: column.title }));
    made.section = el("section", { class: "column", data: { column: column.key } }, title);
    if (column.error || !column.ids) {
      made.section.append(el("p", { class: "error", role: "alert", text: column.error || "There is no answer." }));
      return made;
    }
    title.append(el("span", { class: "total", data: { total: column.total }, text: totals(column) }));
    made.status = el("p", { class: "status" });
    made.chips = column.ids.map((_, i) => this.chip(column, c, i));
    made.list = el("div", { class: "list", role: "listbox", dir: "ltr", "aria-label": `${column.title}: the tokens`, "aria-orientation": "horizontal" });
    this.fill(made);
    this.listen(made, c);
    made.section.append(made.status, made.list, el("p", { class: "quiet cutoff", text: cutoff(column) }));
    return made;
  }

  // The chips with what was dropped between them; a line ends where the text's line ends.
  fill({ column, chips, list }) {
    column.gaps.forEach((gap, i) => {
      if (gap) list.append(droppedNode(gap));
      if (gap.endsWith("\n")) list.append(lineNode());
      if (!chips[i]) return;
      list.append(chips[i]);
      if (sourceOf(column, i).endsWith("\n")) list.append(lineNode());
    });
    if (!chips.length) list.replaceWith(el("p", { class: "quiet", text: "No tokens." }));
  }

  chip(column, c, i) {
    const selected = this.isSelected(c, i);
    const classes = ["chip", column.marks[i] && "apart", column.unknown[i] && "unknown"].filter(Boolean);
    const chip = el("button", {
      type: "button", role: "option", class: classes.join(" "), "aria-selected": String(selected), dir: "auto", tabindex: -1,
      title: `id ${column.ids[i]}`, "aria-label": spoken(column, i), data: { index: i, id: column.ids[i] },
      style: column.unknown[i] ? {} : { "--hue": column.hues[i] },
    });
    if (column.unknown[i]) chip.append(el("span", { class: "sign", text: "?" }), " ", writtenNode(sourceOf(column, i)));
    else if (!column.parts[i].length) chip.append(writtenNode(""));
    else chip.append(...column.parts[i].map(partNode));
    return chip;
  }

  isSelected(c, i) {
    const { selected, columns } = this.head;
    return selected !== null && selected[0] === columns[c].key && selected[1] === i;
  }

  listen({ list, chips, column }, c) {
    const at = (event) => chips.indexOf(event.target.closest(".chip"));
    const act = (what) => (event) => {
      if (at(event) >= 0) what(at(event));
    };
    list.onpointerover = act((i) => this.look(c, i));
    list.onpointerleave = () => this.rest();
    list.addEventListener("focusin", act((i) => {
      chips.forEach((chip, n) => (chip.tabIndex = n === i ? 0 : -1));
      this.kept.focus = [column.key, i];
      this.look(c, i);
    }));
    list.onclick = act((i) => this.root.send({ column: column.key, at: i }));
    list.onscroll = () => (this.kept.scrolled[column.key] = list.scrollTop);
    list.onkeydown = (event) => {
      const to = step(chips, at(event), event.key);
      if (!to) return;
      event.preventDefault();
      to.focus();
    };
    const first = chips.findIndex((_, i) => this.isSelected(c, i));
    if (chips.length) chips[Math.max(0, first)].tabIndex = 0;
  }

  // Light this token, and in the other columns what stands on the same bytes of the text.
  look(c, i) {
    this.dark();
    const [start, end] = this.columns[c].column.edges[i];
    this.columns.forEach(({ column, chips, list, status }, n) => {
      if (!chips) return;
      const same = n === c ? [i] : column.edges.flatMap(([from, to], k) => (from < end && start < to ? [k] : []));
      for (const k of same) chips[k].classList.add("lit");
      this.lit.push(...same.map((k) => chips[k]));
      if (n !== c && same.length) reveal(list, chips[same[0]]);
      status.replaceChildren(...(n === c ? about(column, i) : counterpart(column, same, end)));
    });
  }

  // Nothing is pointed at: the token with the focus, the selected one, or none.
  rest() {
    const [key, i] = (focusedIn(this.root)?.classList.contains("chip") && this.kept.focus) || this.head.selected || [];
    const c = this.columns.findIndex(({ column, chips }) => column.key === key && chips?.[i]);
    if (c >= 0) return this.look(c, i);
    this.dark();
    for (const { status, column } of this.columns) status?.replaceChildren(idle(column));
  }

  dark() {
    for (const chip of this.lit) chip.classList.remove("lit");
    this.lit = [];
  }

  more() {
    if (!this.head.more) return null;
    const button = el("button", { type: "button", class: "more", text: `Show ${count(this.head.more)} more tokens of each` });
    button.onclick = () => this.root.send({ more: true });
    return el("p", { class: "further" }, button);
  }

  refocus(before) {
    const [key, i] = this.kept.focus ?? [];
    const chip = this.columns.find(({ column }) => column.key === key)?.chips?.[i];
    const next = before.classList.contains("more") ? this.root.querySelector(".more") : chip;
    next?.focus({ preventScroll: true });
  }
}

// Words --------------------------------------------------------------------------------------

function totals({ total, total_unknown: unknown }) {
  const tokens = `${count(total)} token${total === 1 ? "" : "s"}`;
  return unknown ? `${tokens}, ${count(unknown)} unknown` : tokens;
}

function cutoff({ ids, total }) {
  return ids.length < total ? `The first ${count(ids.length)} of ${count(total)} tokens.` : "";
}

function idle({ ids }) {
  return el("span", { class: "quiet", text: ids.length ? "Point at a token, or walk with the arrow keys." : "" });
}

// What a column says of its own token.
function about(column, i) {
  const [start, end] = column.spans[i];
  const place = end - start > 1 ? `characters ${count(start + 1)}–${count(end)}` : end > start ? `character ${count(end)}` : `before character ${count(start + 1)}`;
  const source = column.sources[i];
  const stands = source === null || column.parts[i].some((part) => part.char) ? [] : [" · stands for ", writtenNode(source)];
  return [
    el("span", { class: "strong", text: `id ${count(column.ids[i])}` }), ` · token ${count(i + 1)}, ${place} · `,
    column.unknown[i] ? "unknown" : "in the vocabulary ", column.unknown[i] ? "" : writtenNode(column.names[i]),
    ...stands, ...column.parts[i].filter((part) => part.bytes).map((part) => `; ${bytesInWords(part)}`),
  ];
}

// What a column says while another one's token is pointed at.
function counterpart(column, same, end) {
  if (same.length) {
    const ids = same.slice(0, 8).map((k) => count(column.ids[k])).join(", ") + (same.length > 8 ? ", …" : "");
    return [el("span", { class: "strong", text: same.length === 1 ? `id ${ids}` : `ids ${ids}` }), same.length === 1 ? " · one token here" : ` · ${same.length} tokens here`];
  }
  const last = column.edges[column.edges.length - 1]?.[1] ?? 0;
  const hidden = column.ids.length < column.total && end > last;
  return [el("span", { class: "quiet", text: hidden ? "Not among the tokens shown." : "No token here: this was dropped." })];
}

function spoken(column, i) {
  const piece = column.parts[i].map((part) => (part.bytes ? bytesInWords(part) : named(part))).join(", ") || "empty";
  const what = column.unknown[i] ? `unknown, stands for ${named(sourceOf(column, i))}` : piece;
  return `${what}, id ${column.ids[i]}${column.marks[i] ? ", after a boundary that not all have" : ""}`;
}

function bytesInWords({ bytes, char, first, of }) {
  const last = first + bytes.length;
  if (!char) return `${hex(bytes)}, bytes that are no character`;
  const which = bytes.length > 1 ? `bytes ${first + 1}–${last}` : `byte ${last}`;
  return `${hex(bytes)}: ${which} of the ${of} of ${named(char)}`;
}

function hex(bytes) {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}

// What the token stands for in the text.
function sourceOf(column, i) {
  return column.sources[i] ?? column.parts[i].map((part) => (typeof part === "string" ? part : "")).join("");
}

function partNode(part) {
  if (typeof part === "string") return writtenNode(part);
  const of = part.char ? el("span", { class: "of" }, "of ", writtenNode(part.char)) : null;
  return el("span", { class: "bytes", dir: "ltr", data: { bytes: hex(part.bytes) } }, el("span", { class: "hex", text: hex(part.bytes) }), of);
}

// A part of the text that is in no token.
function droppedNode(gap) {
  return el("span", { class: "dropped", role: "presentation", title: `in no token: ${named(gap)}` }, writtenNode(gap));
}

// Where the text begins a new line, so do the chips.
function lineNode() {
  return el("span", { class: "line", role: "presentation" });
}

// Moving ---------------------------------------------------------------------------------------

// The chip that a key leads to: the next or the one before, or the nearest on the line above or below.
function step(chips, at, key) {
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: chips.length - 1 }[key];
  if (to !== undefined) return chips[to];
  const way = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (!way) return null;
  const middle = (chip) => chip.offsetLeft + chip.offsetWidth / 2;
  const line = (chip) => chip.offsetTop + chip.offsetHeight / 2;
  let found = null;
  for (let i = at + way; chips[i]; i += way) {
    if (Math.abs(line(chips[i]) - line(chips[at])) < 12) continue;
    if (found && Math.abs(line(chips[i]) - line(found)) >= 12) break;
    if (!found || Math.abs(middle(chips[i]) - middle(chips[at])) < Math.abs(middle(found) - middle(chips[at]))) found = chips[i];
  }
  return found;
}

// Scroll a column, and nothing around it, so far that the chip can be seen.
function reveal(list, chip) {
  const top = chip.offsetTop;
  if (top < list.scrollTop || top + chip.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = top - list.clientHeight / 3;
  }
}

function legend({ columns, right_to_left: turned }) {
  const several = columns.filter((column) => column.ids).length > 1;
  const any = (test) => columns.some((column) => column.ids && test(column));
  const split = any(({ parts }) => parts.some((each) => each.some((part) => part.bytes)));
  const item = (sample, text) => el("li", {}, sample, el("span", { text }));
  return el("ul", { class: "legend" },
    item(el("span", { class: "chip sample", style: { "--hue": 200 } }, "a"), "Colour: what the token writes. One text has one colour in all columns; the ids behind it belong to each tokenizer alone."),
    several && any(({ marks }) => marks.some(Boolean)) ? item(el("span", { class: "ring" }), "Here not all of them cut: a token of another runs across.") : null,
    split ? item(el("span", { class: "bytes" }, el("span", { class: "hex", text: "E2" }), el("span", { class: "of", text: "of €" })), "Bytes of a character that is split among tokens.") : null,
    any(({ unknown }) => unknown.some(Boolean)) ? item(el("span", { class: "chip unknown sample" }, el("span", { class: "sign", text: "?" })), "Unknown: the token says nothing of the text that it stands for.") : null,
    any(({ gaps }) => gaps.some(Boolean)) ? item(el("span", { class: "dropped" }, writtenNode(" ")), "Dropped: in no token.") : null,
    turned ? item(el("span", { class: "turned", text: "⇄" }), "Some of this text is written from right to left. The tokens stand in their order, from left to right.") : null);
}
