// A grid of coloured numbers that is walked with the arrow keys: used by the matrix and the head grid.
// Rows beyond a few thousand cells are built as they scroll into view.

const MOST_CELLS = 2304;
const MARGIN = 6; // rows built above and below what is in view

// model: label; rows, columns, and how large: rowHeight, boxHeight (pixels), labelWidth, cellWidth (CSS);
// rowLabel(r), columnLabel(c) -> element, rowTitle(r), columnTitle(c) -> text; marked, a row or null;
// value(r, c), look(value, r, c) -> {kind, weight, text}, name(r, c) for screen readers.
// events: look(r, c), open(r, c), close().
class Grid {
  constructor(events) {
    this.events = events;
    this.table = el("table", { role: "grid" });
    this.box = el("div", { class: "box" }, this.table);
    this.at = [0, 0];
    this.box.onscroll = () => this.scrolled();
    this.table.onkeydown = (event) => this.pressed(event);
    this.table.onclick = (event) => this.onCell(event, (r, c) => this.open(r, c));
    this.table.onpointerover = (event) => this.onCell(event, (r, c) => this.events.look(r, c));
    this.table.onpointerleave = () => this.events.look(...this.at);
    this.table.addEventListener("focusin", (event) => this.onCell(event, (r, c) => this.settle(r, c)));
  }

  onCell(event, act) {
    const cell = event.target.closest("td[data-r]");
    if (cell) act(Number(cell.dataset.r), Number(cell.dataset.c));
  }

  show(model) {
    const focused = this.table.contains(this.table.getRootNode().activeElement);
    this.model = model;
    this.at = [Math.min(this.at[0], model.rows - 1), Math.min(this.at[1], model.columns - 1)];
    this.table.setAttribute("aria-label", model.label);
    this.table.setAttribute("aria-rowcount", model.rows + 1);
    this.table.setAttribute("aria-colcount", model.columns + 1);
    this.whole = model.rows * model.columns <= MOST_CELLS;
    this.table.replaceChildren(this.widths(), this.heading(), (this.body = el("tbody")));
    this.fill();
    if (focused) this.cell(...this.at)?.focus({ preventScroll: true });
  }

  // Fixed widths, in characters, so that the browser need not measure thousands of cells.
  widths() {
    const { labelWidth, cellWidth, columns } = this.model;
    this.table.style.width = `calc(${labelWidth} + ${columns} * (${cellWidth} + 2px) + 4px)`;
    return el("colgroup", {}, el("col", { style: { width: labelWidth } }),
      el("col", { span: columns, style: { width: cellWidth } }));
  }

  // New values in the same rows and columns: every cell that is built is dressed again.
  refresh() {
    for (const cell of this.body.querySelectorAll("td[data-r]")) this.dress(cell, Number(cell.dataset.r), Number(cell.dataset.c));
    this.table.setAttribute("aria-label", this.model.label);
    this.settle(...this.at, false);
    this.mark(this.opened);
  }

  heading() {
    const line = el("tr", {}, el("th", { class: "corner" }));
    for (let c = 0; c < this.model.columns; c++) {
      line.append(el("th", { scope: "col", data: { c }, title: this.model.columnTitle(c) }, this.model.columnLabel(c)));
    }
    return el("thead", {}, line);
  }

  // The rows to build: all of them, or those around what is in view.
  span() {
    if (this.whole) return [0, this.model.rows];
    const top = Math.floor(this.box.scrollTop / this.model.rowHeight);
    const seen = Math.ceil(this.model.boxHeight / this.model.rowHeight);
    return [Math.max(0, top - MARGIN), Math.min(this.model.rows, top + seen + MARGIN)];
  }

  fill() {
    const [from, to] = this.span();
    this.first = from;
    const lines = [];
    for (let r = from; r < to; r++) lines.push(this.line(r));
    const gap = (rows) =>
      el("tr", { class: "gap", "aria-hidden": "true", style: { height: `${rows * this.model.rowHeight}px` } });
    this.body.replaceChildren(gap(from), ...lines, gap(this.model.rows - to));
    this.settle(...this.at, false);
    this.mark(this.opened);
  }

  line(r) {
    const label = el("th", { scope: "row", data: { r }, title: this.model.rowTitle(r) }, this.model.rowLabel(r));
    const line = el("tr", { "aria-rowindex": r + 2, class: this.model.marked === r ? "marked" : null }, label);
    for (let c = 0; c < this.model.columns; c++) line.append(this.makeCell(r, c));
    return line;
  }

  makeCell(r, c) {
    const cell = document.createElement("td");
    cell.tabIndex = -1;
    cell.dataset.r = r;
    cell.dataset.c = c;
    this.dress(cell, r, c);
    return cell;
  }

  dress(cell, r, c) {
    const value = this.model.value(r, c);
    const { kind, weight, text } = this.model.look(value, r, c);
    cell.className = kind;
    cell.dataset.value = value;
    cell.style.setProperty("--w", weight.toFixed(3));
    cell.textContent = text;
  }

  scrolled() {
    if (this.whole || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (Math.abs(this.span()[0] - this.first) >= MARGIN / 2) this.fill();
    });
  }

  cell(r, c) {
    return this.body.querySelector(`td[data-r="${r}"][data-c="${c}"]`);
  }

  // One cell at a time is in the tab order: the one that was last visited.
  settle(r, c, tell = true) {
    this.cell(...this.at)?.setAttribute("tabindex", "-1");
    this.at = [r, c];
    const cell = this.cell(r, c);
    cell?.setAttribute("tabindex", "0");
    cell?.setAttribute("aria-label", this.model.name(r, c));
    if (tell) this.events.look(r, c);
  }

  go(r, c) {
    r = Math.max(0, Math.min(this.model.rows - 1, r));
    c = Math.max(0, Math.min(this.model.columns - 1, c));
    if (!this.cell(r, c)) {
      this.box.scrollTop = Math.max(0, (r - 3) * this.model.rowHeight);
      this.fill();
    }
    this.settle(r, c, false);
    this.cell(r, c).focus();
  }

  pressed(event) {
    const [r, c] = this.at;
    const end = this.model.columns - 1;
    const moves = {
      ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
      Home: [event.ctrlKey ? 0 : r, 0], End: [event.ctrlKey ? this.model.rows - 1 : r, end],
      PageUp: [r - 8, c], PageDown: [r + 8, c],
    };
    if (moves[event.key]) this.go(...moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open(r, c);
    else if (event.key === "Escape" && this.opened) this.events.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  open(r, c) {
    this.settle(r, c);
    this.events.open(r, c);
  }

  // Outline the cell that is open; null for none.
  mark(at) {
    this.body.querySelector("td.open")?.classList.remove("open");
    this.opened = at;
    if (at) this.cell(...at)?.classList.add("open");
  }
}
