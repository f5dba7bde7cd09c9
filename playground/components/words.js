// Rows of token chips with a label each; the lit ones stand out. The list scrolls by itself when it is long.

export default function (component) {
  return render(component, drawWords);
}

function drawWords(root, { rows, label }, state) {
  const list = el("ul", { class: "words", tabindex: "0", "aria-label": label });
  for (const row of rows) {
    const chips = row.pieces.map((piece, i) => chip(piece, row.ids[i], row.lit.includes(i)));
    const note = row.note ? el("span", { class: "note quiet", text: row.note }) : null;
    const label = el("span", { class: "label quiet", text: row.label });
    list.append(el("li", { class: chips.length > 9 ? "word long" : "word" }, label, el("span", { class: "row" }, ...chips, note)));
  }
  root.replaceChildren(rows.length ? list : el("p", { class: "quiet", text: "Nothing yet." }));
  list.scrollTop = state.top ?? 0;
  reveal(list);
  list.onscroll = () => {
    state.top = list.scrollTop;
    fade();
  };
  root.close?.();
  const watcher = new ResizeObserver(fade);
  watcher.observe(list);
  root.close = () => watcher.disconnect();

  // Where rows are hidden below, the last one fades out.
  function fade() {
    list.classList.toggle("more", list.scrollHeight - list.scrollTop - list.clientHeight > 8);
  }
}

// Scroll the list, and only the list, to the first lit token, should it be out of sight.
function reveal(list) {
  const row = list.querySelector(".lit")?.closest(".word");
  if (!row) return;
  const [top, room] = [row.offsetTop - list.scrollTop, list.clientHeight - 70];
  if (top < 0 || top > room) list.scrollTop = row.offsetTop - 0.3 * list.clientHeight;
}

function chip(piece, id, lit) {
  return el("span", {
    class: lit ? "chip lit" : "chip", dir: "auto", role: "img", title: `id ${id}${lit ? ", new" : ""}`,
    "aria-label": `${named(piece)}, id ${id}${lit ? ", new" : ""}`,
    data: { id }, style: { "--hue": ((id * 137.508) % 360).toFixed(1) },
  }, writtenNode(piece));
}
