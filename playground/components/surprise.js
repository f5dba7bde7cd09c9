// A text three times over: coloured by the surprise of one model, of another, and by the difference.
// Pointing at a token, or walking there with the arrow keys, marks it in all three and writes out its numbers.

export default function (component) {
  return render(component, (root, head, kept) => {
    new Surprise(root, head, kept);
  });
}

class Surprise {
  constructor(root, head, kept) {
    Object.assign(this, { head, kept });
    const { losses, difference } = head.arrays;
    const count = head.pieces.length;
    this.rows = [losses.data.subarray(0, count), losses.data.subarray(count)];
    this.difference = difference.data;
    this.marked = [];
    this.status = el("p", { class: "status", "aria-live": "polite" });
    const [one, other] = head.names;
    root.replaceChildren(el("div", { class: "surprise" },
      this.part(0, one), this.part(1, other), this.scale(),
      this.part(2, "The difference"), this.signedScale(), this.status));
    this.look(Math.min(kept.at ?? 1, head.pieces.length - 1));
  }

  // One copy of the text, with its heading.
  part(row, name) {
    const tokens = this.head.pieces.map((piece, i) => this.token(row, piece, i));
    this.marked.push(tokens);
    const text = el("div", { class: "text", role: "listbox", "aria-label": `${name}: the text, token by token`, data: { row } }, ...tokens);
    text.onpointerover = (event) => this.at(event, (i) => this.look(i));
    text.onclick = (event) => this.at(event, (i) => this.look(i));
    text.addEventListener("focusin", (event) => this.at(event, (i) => this.look(i)));
    text.onkeydown = (event) => this.pressed(event, tokens);
    const mean = row < 2 ? el("span", { class: "mean quiet" }, "mean ", el("span", { class: "mono", text: digits(average(this.rows[row]), 2) }), " nats a token") : null;
    return el("section", {}, el("h3", {}, name, mean), text);
  }

  token(row, piece, i) {
    const value = row < 2 ? this.rows[row][i] : this.difference[i];
    const { kind, weight } = row < 2 ? this.shade(value) : this.signed(value);
    return el("span", {
      class: `piece ${kind}`, role: "option", tabindex: -1, data: { index: i, value },
      style: { "--w": weight.toFixed(3) }, text: piece === "" ? "∅" : piece,
      "aria-label": `${visible(piece)}: ${Number.isNaN(value) ? "given, not predicted" : `${digits(value, 2)} nats`}`,
    });
  }

  shade(value) {
    if (Number.isNaN(value)) return { kind: "given", weight: 0 };
    const share = value / this.head.ceiling;
    return { kind: share > 1 ? "seen over" : "seen", weight: Math.min(1, Math.max(0, share)) };
  }

  signed(value) {
    if (Number.isNaN(value)) return { kind: "given", weight: 0 };
    const weight = this.head.limit > 0 ? Math.abs(value) / this.head.limit : 0;
    return { kind: value > 0 ? "second" : "first", weight };
  }

  at(event, act) {
    const token = event.target.closest(".piece");
    if (token) act(Number(token.dataset.index));
  }

  pressed(event, tokens) {
    const now = tokens.indexOf(event.target);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (to === undefined || !tokens[to]) return;
    event.preventDefault();
    tokens[to].focus();
  }

  look(i) {
    if (i < 0) return;
    this.kept.at = i;
    for (const tokens of this.marked) tokens.forEach((token, n) => {
      token.setAttribute("aria-selected", String(n === i));
      token.tabIndex = n === i ? 0 : -1;
    });
    this.status.replaceChildren(tokenNode(this.head.pieces[i]), ...this.words(i));
  }

  words(i) {
    const [one, other] = this.head.names;
    const [a, b, apart] = [this.rows[0][i], this.rows[1][i], this.difference[i]];
    if (Number.isNaN(a) || Number.isNaN(b)) return [" is given: nothing stands before it from which it could be predicted."];
    const value = (number) => el("span", { class: "mono strong", text: digits(number, 2) });
    const sum = [" · ", one, " ", value(a), " · ", other, " ", value(b), " · difference ", value(apart), " nats: "];
    if (Math.abs(apart) < 0.005) return [...sum, "both find it equally likely."];
    return [...sum, `${apart > 0 ? other : one} finds it `, value(Math.exp(Math.abs(apart))), " times as likely."];
  }

  scale() {
    return el("p", { class: "legend quiet" }, "−ln p:  0, certain ", el("span", { class: "swatch seen" }),
      el("span", {}, "ln V = ", el("span", { class: "mono", text: digits(this.head.ceiling, 2) }), " nats, as good as guessing; "),
      el("span", { class: "piece seen over", style: { "--w": 1 }, text: "underlined" }), " more than that; ",
      el("span", { class: "piece given", text: "hatched" }), " given");
  }

  signedScale() {
    const [one, other] = this.head.names;
    const end = digits(this.head.limit, 2);
    return el("p", { class: "legend quiet" }, `${one} finds it likelier `, el("span", { class: "mono", text: `−${end}` }),
      el("span", { class: "swatch both" }), el("span", { class: "mono", text: `+${end}` }), ` ${other} finds it likelier; no colour: no difference`);
  }
}

function average(values) {
  const known = [...values].filter((value) => !Number.isNaN(value));
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
}
