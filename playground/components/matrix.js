// The matrix in which any number can be opened. Drawn from a Sheet's arrays; no trip to the server.

export default function (component) {
  return render(component, (root, sheet, kept) => new Matrix(root, sheet, kept).draw());
}

class Matrix {
  constructor(root, sheet, kept) {
    Object.assign(this, { root, sheet, kept });
    [this.layers, this.rows, this.columns] = sheet.arrays.values.shape;
    if (kept.step !== sheet.step) Object.assign(kept, { step: sheet.step, open: null });
    if (sheet.layer !== null && kept.given !== sheet.layer) kept.layer = sheet.layer;
    kept.given = sheet.layer;
    this.largest = this.finiteMaximum();
    this.grid = new Grid({
      look: (r, c) => this.look(r, c),
      open: (r, c) => this.open(r, c, true),
      close: () => this.close(),
    });
    if (kept.at) this.grid.at = kept.at;
  }

  // The layer in view: what the reader chose, where this step has it.
  get layer() {
    return Math.min(this.kept.layer ?? 0, this.layers - 1);
  }

  value(r, c) {
    return this.sheet.arrays.values.data[(this.layer * this.rows + r) * this.columns + c];
  }

  finiteMaximum() {
    let largest = 0;
    for (const value of this.sheet.arrays.values.data) {
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  draw() {
    this.status = el("div", { class: "status quiet" });
    this.panel = el("div", { class: "panel" });
    this.root.replaceChildren(this.header(), this.grid.box, this.status, this.footer(), this.panel);
    this.fill();
  }

  fill() {
    const { sheet } = this;
    this.grid.show({
      rows: this.rows, columns: this.columns, rowHeight: 26, boxHeight: 460, marked: sheet.row,
      labelWidth: labelWidth(sheet.row_labels), cellWidth: this.cellWidth(),
      label: this.label(),
      rowLabel: (r) => tokenNode(sheet.row_labels[r]), rowTitle: (r) => visible(sheet.row_labels[r]),
      columnLabel: (c) => tokenNode(sheet.column_labels[c]), columnTitle: (c) => visible(sheet.column_labels[c]),
      value: (r, c) => this.value(r, c), look: (value, r, c) => this.appearance(value, r, c),
      name: (r, c) => `${this.place(r, c)}: ${this.worded(r, c)}`,
    });
    this.look(...this.grid.at);
    if (this.kept.open) this.open(...this.kept.open, false);
  }

  label() {
    const { title, row_axis: rows, column_axis: columns } = this.sheet;
    return `${title}${this.layerName()}: ${rows}, ${columns}`;
  }

  // How a cell looks: masked is hatched; shares are sequential, 0 to 1; all else diverges at 0.
  appearance(value, r, c) {
    if (Number.isNaN(value)) return { kind: "plain", weight: 0, text: "NaN" };
    if (!Number.isFinite(value)) return { kind: "masked", weight: 0, text: digits(value, 0) };
    if (this.isMasked(r, c)) return { kind: "masked", weight: 0, text: value === 0 ? "0" : digits(value, 2) };
    const text = digits(value, 2);
    if (this.sheet.kind === "softmax") return { kind: this.shareKind(), weight: value, text };
    if (value === 0) return { kind: "zero", weight: 0, text };
    const weight = this.largest ? Math.abs(value) / this.largest : 0;
    return { kind: value > 0 ? "positive" : "negative", weight, text };
  }

  isMasked(r, c) {
    return this.sheet.kind === "softmax" && operand(this.sheet, "mask", 2, this.layer, r, c) === -Infinity;
  }

  shareKind() {
    return roleOf(this.sheet.step) === "a" ? "share" : "chance";
  }

  // Room for the longest number, and for a column's token up to nine characters.
  cellWidth() {
    const label = Math.max(...this.sheet.column_labels.map((piece) => visible(piece).length));
    return `calc(${Math.max(digits(-this.largest, 2).length, Math.min(9, label))}ch + 14px)`;
  }

  layerName() {
    return this.layers > 1 ? `, ${this.sheet.layer_labels[this.layer]}` : "";
  }

  place(r, c) {
    return `${visible(this.sheet.row_labels[r])}, ${visible(this.sheet.column_labels[c])}`;
  }

  worded(r, c) {
    const value = this.value(r, c);
    return digits(value, 4) + (this.isMasked(r, c) ? " (masked: its score is −∞)" : "");
  }

  look(r, c) {
    const { sheet } = this;
    this.kept.at = this.grid.at;
    this.status.replaceChildren("row ", tokenNode(sheet.row_labels[r]), " · column ", tokenNode(sheet.column_labels[c]),
      " · ", el("span", { class: "value", text: this.worded(r, c) }));
  }

  open(r, c, moved) {
    const { sheet } = this;
    if (r >= this.rows || c >= this.columns) return this.close();
    this.kept.open = [r, c];
    this.grid.mark([r, c]);
    const name = sheet.step.replace(/^.*(blocks|layers)\.\d+\.(cell\.)?/, "");
    const title = [quantity(name), "[", tokenNode(sheet.row_labels[r]), ", ", tokenNode(sheet.column_labels[c]),
      "]", this.layerName()];
    this.panel.replaceChildren(arithmeticNode(sheet, this.layer, r, c, this.value(r, c), title, () => this.close()));
    this.panel.onkeydown = (event) => event.key === "Escape" && this.close();
    if (!moved) return;
    this.panel.scrollIntoView({ block: "nearest" });
    this.grid.cell(r, c)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // Close the arithmetic and go back to the cell that it was about.
  close() {
    const at = this.kept.open;
    this.kept.open = null;
    this.grid.mark(null);
    this.panel.replaceChildren();
    if (at && at[0] < this.rows && at[1] < this.columns) this.grid.go(...at);
  }

  header() {
    const { sheet } = this;
    const names = Object.values(sheet.operand_names);
    const shape = [this.layers > 1 ? this.layers : null, this.rows, sheet.columns].filter(Boolean).map(count).join(" × ");
    return el("header", {},
      el("div", { class: "title" }, el("h3", { text: sheet.title }), el("span", { class: "mono quiet", text: shape })),
      sheet.about ? el("p", { text: sheet.about }) : null,
      sheet.formula ? el("p", {}, formulaNode(sheet.formula, names)) : null,
      this.picker(),
      el("p", { class: "quiet axes", text: [sheet.row_axis, sheet.column_axis].filter(Boolean).join(", ") + this.extent() }));
  }

  // Say how much of the step is shown, where it is not all.
  extent() {
    const { columns, first_column: first } = this.sheet;
    if (this.columns >= columns) return "";
    if (this.sheet.column_ids) return ` · ${count(this.columns)} chosen of ${count(columns)} columns`;
    if (!first) return ` · first ${count(this.columns)} of ${count(columns)} columns`;
    return ` · columns ${count(first)} to ${count(first + this.columns - 1)} of ${count(columns)}`;
  }

  picker() {
    if (this.layers === 1) return null;
    const [word, numbers] = wordAndNumber(this.sheet.layer_labels);
    const buttons = numbers.map((text, h) => el("button", {
      type: "button", text, "aria-label": this.sheet.layer_labels[h], "aria-pressed": String(h === this.layer),
      data: { layer: h }, onclick: () => this.choose(h, buttons),
    }));
    return el("div", { class: "picker", role: "group", "aria-label": word || "layer" },
      word ? el("span", { class: "quiet", text: word }) : null, ...buttons);
  }

  choose(h, buttons) {
    this.kept.layer = h;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === h)));
    this.grid.model.label = this.label();
    this.grid.refresh();
    this.look(...this.grid.at);
    if (this.kept.open) this.open(...this.kept.open, false);
  }

  footer() {
    const { sheet } = this;
    const error = sheet.error === null ? sheet.reason || "" : `recomputed: max error ${tiny(sheet.error)}`;
    return el("footer", {}, this.legend(), el("span", { class: "mono quiet error", text: error }));
  }

  legend() {
    const { values, "operand.mask": mask } = this.sheet.arrays;
    const hatched = values.data.includes(-Infinity) || mask?.data.includes(-Infinity);
    const sequential = this.sheet.kind === "softmax";
    const edge = digits(this.largest, 2);
    const scale = sequential
      ? ["0", el("span", { class: `swatch ${this.shareKind()}` }), "1"]
      : [`−${edge}`, el("span", { class: "swatch signed" }), edge];
    const masked = hatched ? [el("span", { class: "swatch masked" }), "masked (−∞)"] : [];
    const only = !this.largest ? [] : scale;
    return el("div", { class: "legend" }, ...only, ...masked);
  }
}
