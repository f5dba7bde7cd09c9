// A wrapping row of pieces of a text, some of them lit.

export default function (component) {
  return render(component, drawPieces);
}

function drawPieces(root, { texts, lit, label }) {
  const row = el("ol", { class: "pieces", "aria-label": label });
  texts.forEach((text, i) => {
    const strong = lit.includes(i);
    row.append(el("li", { class: strong ? "piece lit" : "piece", dir: "auto", "aria-label": strong ? `${named(text)}, new` : named(text) }, writtenNode(text)));
  });
  root.replaceChildren(texts.length ? row : el("p", { class: "quiet", text: "Nothing is left." }));
}
