// Text as it can be seen, also where a character has no shape of its own. Joined behind common.js.

const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");
const SIGNS = {
  "\r": "CR", "\u007f": "DEL", "\u0085": "NEL", "\u00a0": "NBSP", "\u00ad": "SHY", "\u061c": "ALM", "\u180e": "MVS", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ",
  "\u200e": "LRM", "\u200f": "RLM", "\u2028": "LS", "\u2029": "PS", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF",
  "\u202d": "LRO", "\u202e": "RLO", "\u202f": "NNBSP", "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI",
  "\u2069": "PDI", "\u3000": "IDSP", "\ufe0e": "VS15", "\ufe0f": "VS16", "\ufeff": "BOM",
};

// The mark of a common blank; one that only looks like a space gets a sign instead.
function markOf(char) {
  return SIGNS[char] ? null : MARKS[char] ?? null;
}

// How a character is shown that has no shape of its own; null for one that has.
function signOf(char) {
  const code = char.codePointAt(0);
  if (SIGNS[char]) return SIGNS[char];
  if (code < 32) return CONTROLS[code];
  return /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(char)
    ? `U+${code.toString(16).toUpperCase().padStart(4, "0")}` : null;
}

function named(text) {
  return [...text].map((char) => markOf(char) ?? (signOf(char) ? ` ${signOf(char)} ` : char)).join("").trim();
}

// Text as it can be seen: blanks as muted marks, what has no shape as a small sign, a lone accent on a circle.
function writtenNode(text) {
  const node = el("span", { class: "token" });
  let run = "";
  const flush = () => {
    if (run) node.append(el("span", { text: /^\p{M}/u.test(run) ? `◌${run}` : run }));
    run = "";
  };
  for (const char of text) {
    const blank = markOf(char);
    const sign = blank ? null : signOf(char);
    if (!blank && !sign) run += char;
    else flush();
    if (blank) node.append(el("span", { class: "blank", text: blank }));
    if (sign) node.append(el("span", { class: "sign", text: sign }));
  }
  flush();
  if (text === "") node.append(el("span", { class: "blank", text: "∅" }));
  return node;
}
