// Every head's pattern as a thumbnail on one canvas, and the head in view enlarged beside it.
// Looking needs no trip to the server; Python is told which head was chosen.

export default function (component) {
  return render(component, (root, head, kept) => {
    const view = new Heads(root, head, kept);
    return () => view.paint();
  });
}

const GAP = 5;
const GUTTER = 24; // room for the blocks' numbers

class Heads {
  constructor(root, head, kept) {
    Object.assign(this, { root, head, kept });
    const { shape, data } = head.arrays.patterns;
    [this.blocks, this.heads, this.time] = shape;
    this.data = data;
    this.masked = head.arrays.masked.data;
    this.at = this.start();
    this.build();
    this.paint();
    this.enlarge();
    this.watch();
  }

  // The head in view: what the page selects where that changed, else what the reader looked at last.
  start() {
    const { selected } = this.head;
    const given = JSON.stringify(selected);
    const fresh = this.kept.given !== given;
    this.kept.given = given;
    const at = (fresh && selected) || this.kept.at || selected || [0, 0];
    return at[0] < this.blocks && at[1] < this.heads ? at : [0, 0];
  }

  build() {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.buttons = [];
    const cells = el("div", { class: "cells" }, this.canvas);
    this.marks = [...this.numbers("block", this.blocks), ...this.numbers("head", this.heads)];
    cells.append(...this.marks);
    for (let b = 0; b < this.blocks; b++) for (let h = 0; h < this.heads; h++) cells.append(this.button(b, h));
    this.cells = cells;
    const thumbs = el("div", { class: "thumbs", role: "group", "aria-label": "All heads" },
      el("div", { class: "axis quiet", text: "row = block, column = head" }), cells);
    this.big = el("div", { class: "big" });
    this.grid = new Grid({ look: (r, c) => this.look(r, c), open: (r, c) => this.look(r, c), close: () => {} });
    if (this.kept.cell) this.grid.at = this.kept.cell;
    this.title = el("h3");
    this.status = el("div", { class: "status quiet" });
    this.big.append(this.title, this.grid.box, this.status, this.legend());
    this.root.replaceChildren(el("div", { class: "heads" }, thumbs, this.big));
    thumbs.onkeydown = (event) => this.pressed(event);
  }

  // The numbers of the blocks at the left, and of the heads on top.
  numbers(kind, n) {
    return Array.from({ length: n }, (_, i) =>
      el("span", { class: `mark over-${kind} quiet`, "aria-hidden": "true", text: i, data: { i } }));
  }

  button(b, h) {
    const node = el("button", {
      type: "button", class: "head", "aria-label": `block ${b}, head ${h}`, title: `block ${b}, head ${h}`,
      data: { block: b, head: h }, onclick: () => this.choose(b, h),
    });
    this.buttons.push(node);
    return node;
  }

  // Place the thumbnails: as large as fits, on the canvas and under the buttons alike.
  layout() {
    const room = Math.min(this.root.clientWidth || 600, 620);
    this.size = Math.max(18, Math.min(64, Math.floor((room - GUTTER) / this.heads) - GAP));
    const step = this.size + GAP;
    const [width, height] = [this.heads * step - GAP, this.blocks * step - GAP];
    this.cells.style.width = this.canvas.style.width = `${width}px`;
    this.cells.style.height = this.canvas.style.height = `${height}px`;
    const scale = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * scale, height: height * scale });
    for (const node of this.buttons) {
      const { block, head } = node.dataset;
      Object.assign(node.style, {
        left: `${head * step}px`, top: `${block * step}px`, width: `${this.size}px`, height: `${this.size}px`,
      });
    }
    for (const mark of this.marks) {
      const across = mark.classList.contains("over-head") ? "left" : "top";
      mark.style[across] = `${mark.dataset.i * step + this.size / 2}px`;
    }
    return { step, scale };
  }

  paint() {
    const { step, scale } = this.layout();
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    const colours = ramp(this.root);
    const stamp = new OffscreenCanvas(this.time, this.time);
    for (let b = 0; b < this.blocks; b++) {
      for (let h = 0; h < this.heads; h++) {
        stamp.getContext("2d").putImageData(this.picture(b, h, colours), 0, 0);
        context.imageSmoothingEnabled = this.time > this.size * scale;
        context.drawImage(stamp, h * step, b * step, this.size, this.size);
      }
    }
    this.mark();
  }

  picture(b, h, colours) {
    const count = this.time * this.time;
    const image = new ImageData(this.time, this.time);
    const start = (b * this.heads + h) * count;
    for (let i = 0; i < count; i++) {
      const shade = this.masked[i] ? 256 : Math.round(255 * Math.min(1, Math.max(0, this.data[start + i])));
      image.data.set(colours.subarray(4 * shade, 4 * shade + 4), 4 * i);
    }
    return image;
  }

  value(r, c) {
    const [b, h] = this.at;
    return this.data[((b * this.heads + h) * this.time + r) * this.time + c];
  }

  mark() {
    for (const node of this.buttons) {
      const here = Number(node.dataset.block) === this.at[0] && Number(node.dataset.head) === this.at[1];
      node.setAttribute("aria-pressed", String(here));
      node.tabIndex = here ? 0 : -1;
    }
  }

  choose(b, h) {
    this.at = this.kept.at = [b, h];
    this.mark();
    this.enlarge();
    this.root.send([b, h]);
  }

  enlarge() {
    const { tokens } = this.head;
    const [b, h] = this.at;
    const dense = this.time > 20;
    this.title.textContent = `Block ${b}, head ${h}`;
    this.grid.show({
      rows: this.time, columns: this.time, rowHeight: dense ? 16 : 24, boxHeight: 520, marked: null,
      labelWidth: labelWidth(tokens), cellWidth: dense ? "15px" : "24px",
      label: `Attention pattern of block ${b}, head ${h}: row = the token that looks, column = the token looked at`,
      rowLabel: (r) => tokenNode(tokens[r]), rowTitle: (r) => visible(tokens[r]),
      columnLabel: (c) => tokenNode(tokens[c]), columnTitle: (c) => visible(tokens[c]),
      value: (r, c) => this.value(r, c),
      look: (value, r, c) => this.masked[r * this.time + c]
        ? { kind: "masked", weight: 0, text: "" } : { kind: "share", weight: value, text: "" },
      name: (r, c) => `${visible(tokens[r])} looks at ${visible(tokens[c])}: ${this.worded(r, c)}`,
    });
    this.big.classList.toggle("dense", dense);
    this.look(...this.grid.at);
  }

  worded(r, c) {
    return this.masked[r * this.time + c] ? "masked (−∞), so no share" : digits(this.value(r, c), 4);
  }

  look(r, c) {
    const { tokens } = this.head;
    this.kept.cell = this.grid.at;
    this.status.replaceChildren(tokenNode(tokens[r]), " looks at ", tokenNode(tokens[c]), " · ",
      el("span", { class: "value", text: this.worded(r, c) }));
  }

  legend() {
    const hatched = this.masked.includes(1) ? [el("span", { class: "swatch masked" }), "masked (−∞)"] : [];
    return el("div", {}, el("div", { class: "legend" }, "0", el("span", { class: "swatch share" }), "1", ...hatched),
      el("p", { class: "axes quiet", text: "row = the token that looks, column = the token looked at" }));
  }

  pressed(event) {
    const index = this.buttons.indexOf(this.root.getRootNode().activeElement);
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.heads, ArrowDown: this.heads }[event.key];
    if (index < 0 || move === undefined) return;
    event.preventDefault();
    this.buttons[index + move]?.focus();
  }

  // Draw again when the room changes: a turned phone, a sidebar that opens.
  watch() {
    this.root.close?.();
    let width = this.root.clientWidth;
    const observer = new ResizeObserver(() => {
      if (this.root.clientWidth === width) return;
      width = this.root.clientWidth;
      this.paint();
    });
    observer.observe(this.root);
    this.root.close = () => observer.disconnect();
  }
}

// 256 colours from the page's background to the attention hue, and one more for masked cells.
function ramp(root) {
  const style = getComputedStyle(root);
  const from = channels(style.getPropertyValue("--st-background-color"));
  const to = channels(style.getPropertyValue("--tp-a"));
  const text = channels(style.getPropertyValue("--st-text-color"));
  const strength = 1; // thumbnails carry no digits, so the hue may be full
  const colours = new Uint8ClampedArray(4 * 257);
  for (let i = 0; i <= 256; i++) {
    const [hue, share] = i === 256 ? [text, 0.09] : [to, (strength * i) / 255];
    for (let n = 0; n < 3; n++) colours[4 * i + n] = from[n] + (hue[n] - from[n]) * share;
    colours[4 * i + 3] = 255;
  }
  return colours;
}

// Red, green and blue of any CSS colour: painted on one pixel and read back.
function channels(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = colour.trim() || "white";
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}
