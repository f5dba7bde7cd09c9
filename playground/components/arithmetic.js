// How one cell was made, in float64, from the operands that travelled with it; and how that is shown.
// The same cases, in the same order, as `Kind` in zoo/trace/sheet.py.

// An operand's element. `rank` counts the axes after the layer axis, which may be missing or single.
function operand(sheet, name, rank, h, ...at) {
  const array = sheet.arrays[`operand.${name}`];
  if (!array) return undefined;
  const { shape, data } = array;
  const layered = shape.length > rank;
  const index = layered ? [shape[0] === 1 ? 0 : h, ...at] : at;
  return data[index.reduce((flat, i, axis) => flat * shape[axis] + (shape[axis] === 1 ? 0 : i), 0)];
}

function named(sheet, name) {
  return sheet.operand_names[name] ?? name;
}

// erf by its series (all terms positive, so nothing cancels): exact to the last digits of float64.
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const FUNCTIONS = {
  gelu: ["½ · x · (1 + erf(x / √2))", (x) => 0.5 * x * (1 + erf(x / Math.SQRT2))],
  gelu_tanh: [
    "½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))",
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
  silu: ["x / (1 + e⁻ˣ)", (x) => x / (1 + Math.exp(-x))],
  relu: ["max(0, x)", (x) => Math.max(0, x)],
  relu_squared: ["max(0, x)²", (x) => Math.max(0, x) ** 2],
  sigmoid: ["1 / (1 + e⁻ˣ)", (x) => 1 / (1 + Math.exp(-x))],
  sin: ["sin(x)", Math.sin],
  tanh: ["tanh(x)", Math.tanh],
  log: ["ln(x)", Math.log],
  identity: ["x", (x) => x],
};

// Each case gives {lines: [{op, name, value, so}], terms?} (`so` is the result up to that line), or
// {says, gives}: a sentence, and what it comes to.
const WORK = {
  lookup(sheet, h, r, c) {
    const id = operand(sheet, "ids", 1, h, r);
    const says = `Row ${id} of ${named(sheet, "table")}, number ${this.column}: the value is that learned weight, as it is.`;
    return { says, gives: operand(sheet, "weight", 2, h, r, c) };
  },

  add(sheet, h, r, c) {
    const parts = sheet.operands.filter((name) => /^part\d+$/.test(name));
    let so = 0;
    const lines = parts.map((name, i) => {
      const value = operand(sheet, name, 2, h, r, c);
      so += value;
      return { op: i ? "+" : "", name: named(sheet, name), value, so };
    });
    return { lines };
  },

  norm(sheet, h, r, c) {
    const line = chain(operand(sheet, "x", 2, h, r, c), named(sheet, "x"));
    const mean = operand(sheet, "mean", 1, h, r); // an RMS norm has none: 0
    if (mean !== 0) line.then("−", named(sheet, "mean"), mean, (so, v) => so - v);
    line.then("÷", named(sheet, "std"), operand(sheet, "std", 1, h, r), (so, v) => so / v);
    line.then("×", named(sheet, "weight"), operand(sheet, "weight", 1, h, c), (so, v) => so * v);
    line.then("+", named(sheet, "bias"), operand(sheet, "bias", 1, h, c), (so, v) => so + v);
    return line;
  },

  dot(sheet, h, r, c) {
    const n = sheet.arrays["operand.a"].shape.at(-1);
    const overTokens = roleOf(named(sheet, "a")) === "a" && n === sheet.row_labels.length;
    const row = (j) => {
      const [a, b] = [operand(sheet, "a", 2, h, r, j), operand(sheet, "b", 2, h, j, c)];
      return { label: overTokens ? visible(sheet.row_labels[j]) : `${j}`, numbers: [a, b], result: a * b };
    };
    const terms = { n, row, of: n, names: [named(sheet, "a"), named(sheet, "b")], what: "products" };
    const line = chain(total(terms), `sum of all ${count(n)} products`);
    line.then("×", named(sheet, "scale"), scaleOf(sheet), (so, v) => so * v);
    line.then("+", named(sheet, "bias"), operand(sheet, "bias", 1, h, c), (so, v) => so + v);
    return { ...line, terms };
  },

  softmax(sheet, h, r, c) {
    const exponent = (j) => {
      const mask = operand(sheet, "mask", 2, h, r, j) ?? 0;
      return operand(sheet, "x", 2, h, r, j) + mask - operand(sheet, "max", 1, h, r);
    };
    const n = sheet.arrays["operand.x"].shape.at(-1);
    const sum = operand(sheet, "sum", 1, h, r);
    const row = (j) => {
      const e = Math.exp(exponent(j));
      return { label: visible(sheet.column_labels[j]), numbers: [exponent(j), e], result: e / sum };
    };
    const names = ["x − max", "exp", "÷ sum"];
    const terms = { n, row, of: sheet.columns, names, what: "columns", share: true, here: c };
    const line = chain(operand(sheet, "x", 2, h, r, c), named(sheet, "x"));
    line.then("+", named(sheet, "mask"), operand(sheet, "mask", 2, h, r, c), (so, v) => so + v);
    line.then("−", "largest of the row", operand(sheet, "max", 1, h, r), (so, v) => so - v);
    line.lines.push({ op: "exp", name: "e to that power", so: Math.exp(exponent(c)) });
    line.then("÷", `sum over all ${count(sheet.columns)} columns`, sum, () => Math.exp(exponent(c)) / sum);
    return { ...line, terms };
  },

  map(sheet, h, r, c) {
    const x = operand(sheet, "x", 2, h, r, c);
    const [rule, apply] = FUNCTIONS[sheet.constants.function] ?? [null, null];
    if (!apply) return { says: `The function ${sheet.constants.function} is not one that this page can redo.` };
    const line = chain(x, named(sheet, "x"));
    line.lines.push({ op: "→", name: `${sheet.constants.function}(x) = ${rule}`, so: apply(x) });
    line.then("×", named(sheet, "gate"), operand(sheet, "gate", 2, h, r, c), (so, v) => so * v);
    return line;
  },

  // A cell's gate: what the token says, what the past says (through a reset gate, in a GRU), and a bend.
  gate(sheet, h, r, c) {
    const [n, m] = ["x", "h"].map((name) => sheet.arrays[`operand.${name}`].shape.at(-1));
    const reset = operand(sheet, "reset", 2, h, r, c);
    const term = (name, j, factor) => {
      const [a, b] = [operand(sheet, name, 2, h, r, j), operand(sheet, `W_${name}`, 2, h, j, c)];
      return { label: `${named(sheet, name)} ${j}`, numbers: [a, b], result: a * b * factor };
    };
    const row = (j) => (j < n ? term("x", j, 1) : term("h", j - n, reset ?? 1));
    const what = reset === undefined ? "products" : `products, those of ${named(sheet, "h")} times ${named(sheet, "reset")}`;
    const terms = { n: n + m, row, of: n + m, names: ["number", "weight"], what: "products" };
    const line = chain(total(terms), `sum of all ${count(n + m)} ${what}`);
    line.then("+", named(sheet, "bias"), operand(sheet, "bias", 1, h, c), (so, v) => so + v);
    const inner = operand(sheet, "h_bias", 1, h, c);
    if (inner !== undefined) line.then("+", `${named(sheet, "reset")} · ${named(sheet, "h_bias")}`, reset * inner, (so, v) => so + v);
    return { ...bent(line, sheet), terms };
  },

  mix(sheet, h, r, c) {
    const n = sheet.operands.filter((name) => /^part\d+$/.test(name)).length;
    const row = (j) => {
      const [share, part] = [operand(sheet, `share${j}`, 2, h, r, c), operand(sheet, `part${j}`, 2, h, r, c)];
      return { label: `${named(sheet, `share${j}`)} · ${named(sheet, `part${j}`)}`, numbers: [share, part], result: share * part };
    };
    const terms = { n, row, of: n, names: ["number", "weight"], what: "products" };
    return { ...bent(chain(total(terms), n === 1 ? "the product" : `sum of all ${n} products`), sheet), terms };
  },

  compare(sheet, h, r, c) {
    const n = sheet.arrays["operand.v"].shape.at(-1);
    const row = (j) => {
      const bend = Math.tanh(operand(sheet, "a", 2, h, r, j) + operand(sheet, "b", 2, h, c, j));
      const v = operand(sheet, "v", 1, h, j);
      return { label: `${j}`, numbers: [bend, v], result: bend * v };
    };
    const names = [`tanh(${named(sheet, "a")} + ${named(sheet, "b")})`, named(sheet, "v")];
    const terms = { n, row, of: n, names, what: "products" };
    return { ...chain(total(terms), `sum of all ${count(n)} products`), terms };
  },

  rotate(sheet, h, r, c) {
    const [x, pair] = [operand(sheet, "x", 2, h, r, c), operand(sheet, "pair", 2, h, r, c)];
    const [cos, sin] = [operand(sheet, "cos", 2, h, r, c), operand(sheet, "sin", 2, h, r, c)];
    const terms = {
      n: 2, of: 2, names: ["number", "turn"], what: "products",
      row: (j) => (j ? { label: `${named(sheet, "pair")} · sin`, numbers: [pair, sin], result: pair * sin }
                     : { label: `${named(sheet, "x")} · cos`, numbers: [x, cos], result: x * cos }),
    };
    return { ...chain(total(terms), "sum of both products"), terms };
  },

  mask(sheet, h, r, c) {
    const [query, key] = [operand(sheet, "query", 1, h, r), operand(sheet, "key", 1, h, c)];
    if (query === undefined || key === undefined) return { says: sentence(sheet) };
    const hidden = sheet.constants.rule === "causal" && key > query;
    if (sheet.constants.rule !== "causal") return { says: "Every token may look at every other: 0.", gives: 0 };
    const says = `The token at place ${query} may ${hidden ? "not " : ""}look at place ${key}: ${key} ${hidden ? ">" : "≤"} ${query}.`;
    return { says, gives: hidden ? -Infinity : 0 };
  },
};

// Lines in which each works on what stands above it. Steps whose operand the model lacks are left out.
function chain(value, name) {
  const lines = [{ op: "", name, value, so: value }];
  const then = (op, name, value, apply) => {
    if (value === undefined) return;
    lines.push({ op, name, value, so: apply(lines.at(-1).so, value) });
  };
  return { lines, then };
}

// One line more: what the sheet's function makes of the sum.
function bent(line, sheet) {
  const [rule, apply] = FUNCTIONS[sheet.constants.function];
  if (sheet.constants.function !== "identity") {
    line.lines.push({ op: "→", name: `${sheet.constants.function}(x) = ${rule}`, so: apply(line.lines.at(-1).so) });
  }
  return line;
}

function total(terms) {
  let sum = 0;
  for (let j = 0; j < terms.n; j++) sum += terms.row(j).result;
  return sum;
}

function scaleOf(sheet) {
  const scale = sheet.constants.scale;
  return typeof scale === "number" && scale !== 1 ? scale : undefined;
}

// The arithmetic of cell [h, r, c], or a sentence where there is none.
function work(sheet, h, r, c) {
  if (!(sheet.kind in WORK)) return { says: sentence(sheet) };
  return WORK[sheet.kind].call({ column: sheet.column_ids?.[c] ?? sheet.first_column + c }, sheet, h, r, c);
}

function sentence(sheet) {
  if (sheet.reason) return sheet.reason;
  if (sheet.kind === "mask") return "0 where a token may look, −∞ where it may not: a rule, not a computed value.";
  return "This value is given: nothing on this page computes it.";
}

// Showing it -----------------------------------------------------------------------------------

const FIRST_TERMS = 8;

// The opened cell: value is what the model computed; `names` are the known quantities of the formula.
function arithmeticNode(sheet, h, r, c, value, title, close) {
  const made = work(sheet, h, r, c);
  const names = Object.values(sheet.operand_names);
  const head = el("div", { class: "opened-head" }, el("div", { class: "mono opened-title" }, ...title),
    el("button", { class: "close", type: "button", "aria-label": "Close the arithmetic", text: "Close", onclick: close }));
  const node = el("section", { class: "opened", "aria-label": "How this number was made" }, head);
  if (sheet.formula) node.append(formulaNode(sheet.formula, names));
  if (made.says) node.append(el("p", { class: "says", text: made.says }));
  const worked = el("div", { class: "worked" }, linesNode(made.lines ?? [], value));
  const gives = made.lines ? made.lines.at(-1).so : made.gives;
  if (gives !== undefined) worked.append(checkNode(gives, value, !!made.lines));
  node.append(el("div", { class: "sides" }, made.terms ? termsNode(made.terms) : null, worked));
  return node;
}

function number(value, places = 4) {
  return el("td", { class: "number", data: { value }, text: digits(value, places) });
}

// The terms of a sum: the first few, or all on request, and what the others come to.
function termsNode(terms) {
  const holder = el("div", { class: "terms" });
  const names = terms.share ? ["", ...terms.names] : ["", terms.names[0], "", terms.names[1], "", "product"];
  const head = el("tr", {}, ...names.map((name, i) => el("th", { scope: "col" }, name && i ? heading(name) : name)));
  const draw = (shown) => {
    const body = el("tbody");
    const listed = [...Array(shown).keys()];
    if (terms.here >= shown) listed.push(terms.here);
    for (const j of listed) body.append(termNode(terms, terms.row(j), j === terms.here));
    if (listed.length < terms.of) body.append(restNode(terms, listed));
    const scroll = el("div", { class: "terms-box", tabindex: shown > 12 ? "0" : null },
      el("table", {}, el("thead", {}, head), body));
    holder.replaceChildren(...[scroll, moreNode(terms, shown, draw)].filter(Boolean));
  };
  draw(Math.min(FIRST_TERMS, terms.n));
  return holder;
}

function heading(name) {
  return ["product", "exp", "÷ sum", "x − max", "number", "turn", "weight"].includes(name) ? el("span", { text: name }) : quantity(name);
}

function termNode(terms, { label, numbers, result }, here) {
  const data = { a: numbers[0], b: numbers[1], product: result };
  const cells = terms.share ? numbers.map((n) => number(n))
    : [number(numbers[0]), el("td", { class: "sign", text: "×" }), number(numbers[1]), el("td", { class: "sign", text: "=" })];
  return el("tr", { class: here ? "term here" : "term", data },
    el("th", { scope: "row", text: label }), ...cells, number(result));
}

function restNode(terms, listed) {
  const others = terms.of - listed.length;
  const word = others === 1 ? terms.what.slice(0, -1) : terms.what;
  const shownSum = listed.reduce((sum, j) => sum + terms.row(j).result, 0);
  const rest = (terms.share ? 1 : total(terms)) - shownSum;
  return el("tr", { class: "rest" },
    el("th", { scope: "row", colspan: terms.share ? 3 : 5, text: `the other ${count(others)} ${word} together` }),
    number(rest));
}

function moreNode(terms, shown, draw) {
  if (terms.n <= FIRST_TERMS) return null;
  const all = shown === terms.n;
  const text = all ? `show the first ${FIRST_TERMS}` : `show all ${count(terms.n)}`;
  return el("div", { class: "more quiet" },
    all ? `all ${count(shown)} of ${count(terms.of)} · ` : `first ${shown} of ${count(terms.of)}${terms.here >= shown ? ", and this one" : ""} · `,
    el("button", { type: "button", class: "link", text, onclick: () => draw(all ? FIRST_TERMS : terms.n) }));
}

// The worked lines, each with what it leads to, and under them what the model itself computed.
function linesNode(lines, value) {
  const body = el("tbody");
  for (const [i, { op, name, value: operandValue, so }] of lines.entries()) {
    body.append(el("tr", { class: "line", data: { so } },
      el("td", { class: "sign", text: op }), el("th", { scope: "row" }, quantity(name)),
      operandValue === undefined || !i ? el("td") : number(operandValue),
      el("td", { class: "sign", text: i ? "=" : "" }), number(so)));
  }
  const result = el("td", { class: "number result", colspan: 3, data: { value }, text: exactly(value) });
  body.append(el("tr", { class: "total" }, el("td", { class: "sign", text: "=" }),
    el("th", { scope: "row", text: "the model's value, in full" }), result));
  return el("table", { class: lines.length ? "lines" : "lines alone" }, body);
}

function checkNode(recomputed, value, rounded) {
  const difference = recomputed === value ? 0 : Math.abs(recomputed - value); // −∞ equals −∞
  return el("div", { class: "check" },
    el("p", { class: "mono" }, "page recomputed from these: ",
      el("span", { class: "recomputed", data: { value: recomputed }, text: minus(precise(recomputed)) }),
      " · difference ", el("span", { class: "difference", data: { value: difference }, text: tiny(difference) })),
    rounded ? el("p", { class: "quiet", text: "Numbers are shown to 4 decimals; every step uses their full precision." }) : null);
}

function precise(value) {
  return Number.isFinite(value) && value !== 0 ? value.toPrecision(10) : digits(value, 0);
}
