// Shared by every component: reading the bytes, making elements, writing numbers and tokens.
// Joined in front of a component's own file by mount.py. Text only ever enters as textContent.

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };

// What the reader opened, by the component's key: it outlives a redraw and a remount.
const memory = new Map();

function remembered(key) {
  if (!memory.has(key)) memory.set(key, {});
  return memory.get(key);
}

// The head and arrays that bundle.py packed: {…head, arrays: {name: {shape, data}}}.
function unpack(bytes) {
  const buffer = bytes.slice().buffer; // a copy, so that the arrays lie aligned
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  for (const [name, { type, shape, offset }] of Object.entries(head.arrays)) {
    const count = shape.reduce((product, n) => product * n, 1);
    head.arrays[name] = { shape, data: new TYPES[type](buffer, 8 + length + offset, count) };
  }
  return head;
}

function sameBytes(one, other) {
  if (one?.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

// An element: el("td", { class: "cell", data: { row: 1 }, text: "0.12" }, child, …).
function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "style") for (const [rule, v] of Object.entries(value)) node.style.setProperty(rule, v);
    else if (name.startsWith("on")) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// The component's root; built anew only when its data changed. `build(root, head, state)` draws, and
// may return a function that redraws what depends on the page's colours.
function render(component, build) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".tp");
  root.send = (value) => component.setTriggerValue("chosen", value);
  if (sameBytes(root.bytes, data)) {
    root.repaint?.();
  } else {
    const head = unpack(data);
    root.bytes = data.slice();
    root.repaint = build(root, head, remembered(head.key));
  }
  return () => root.close?.();
}

// The element inside that has the keyboard's focus, so that a redraw can hand it on.
function focusedIn(root) {
  const active = root.getRootNode().activeElement;
  return active && root.contains(active) ? active : null;
}

// Numbers ------------------------------------------------------------------------------------

function minus(text) {
  return text.replace(/-/g, "−");
}

function digits(value, places) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  return (value < 0 ? "−" : "") + Math.abs(value).toFixed(places);
}

// The shortest decimal that names this 32-bit number and no other.
function exactly(value) {
  if (!Number.isFinite(value)) return digits(value, 0);
  for (let n = 1; n < 10; n++) {
    const short = Number(value.toPrecision(n));
    if (Math.fround(short) === Math.fround(value)) return minus(String(short));
  }
  return minus(String(value));
}

function tiny(value) {
  return value === 0 ? "0" : minus(value.toExponential(1));
}

// A share as the reader sees it: 12.3 %, 0.04 %, and never a 0 that is none.
function percent(p) {
  if (p > 0 && p < 0.0001) return "< 0.01 %";
  return `${(p * 100).toFixed(p < 0.01 ? 2 : 1)} %`;
}

function count(n) {
  return n.toLocaleString("en");
}

// Tokens -------------------------------------------------------------------------------------

const MARKS = { " ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥", "\u00a0": "⍽" };

function visible(piece) {
  return piece === "" ? "∅" : [...piece].map((char) => MARKS[char] ?? char).join("");
}

// A piece with its blanks made visible: muted, so that the word itself stands out.
function tokenNode(piece) {
  const node = el("span", { class: "token" });
  for (const part of piece === "" ? [""] : piece.split(/([ \n\r\t\u00a0]+)/)) {
    if (part === "" && piece !== "") continue;
    const blank = part === "" || part[0] in MARKS;
    node.append(el("span", { class: blank ? "blank" : null, text: visible(part) }));
  }
  return node;
}

// Roles --------------------------------------------------------------------------------------

const ROLES = [
  ["q", /(^|[._])q($|_rot|_norm|[^a-z])|W_Q|b_Q|query/i],
  ["k", /(^|[._])k($|_rot|_norm|[^a-z])|W_K|b_K|\bkey/i],
  ["v", /(^|[._])v($|[^a-z])|W_V|b_V|\bvalue/i],
  ["a", /pattern|attention share/i],
];

function roleOf(name) {
  return ROLES.find(([, test]) => test.test(name))?.[0] ?? null;
}

function isParameter(name) {
  return /(^|[._ ])(W|b)_|weight|bias|γ|β/.test(name);
}

// The name of a quantity, in its role's colour; a learned parameter looks different from a result.
function quantity(name) {
  const role = roleOf(name);
  const kind = isParameter(name) ? "parameter" : "computed";
  return el("span", { class: `quantity ${kind}${role ? ` role-${role}` : ""}`, text: name });
}

// A formula with the names of its quantities coloured.
function formulaNode(text, names = []) {
  const node = el("code", { class: "formula" });
  for (const part of text.split(/([\p{L}_][\p{L}\p{N}_.]*)/u)) {
    const known = names.includes(part) || roleOf(part) || /^[Wb]_/.test(part);
    node.append(known && /^[\p{L}_]/u.test(part) ? quantity(part) : document.createTextNode(part));
  }
  return node;
}

// Room for the longest of some tokens, within reason.
function labelWidth(tokens) {
  const longest = Math.max(...tokens.map((piece) => visible(piece).length));
  return `calc(${Math.min(16, Math.max(3, longest))}ch + 14px)`;
}

// "head 3" -> ["head", "3"]: the common word is written once, beside the buttons.
function wordAndNumber(labels) {
  const split = labels.map((label) => /^(.*\S)\s+(\S+)$/.exec(label));
  const shared = split.every((match) => match && match[1] === split[0][1]);
  return shared ? [split[0][1], split.map((match) => match[2])] : ["", labels];
}
