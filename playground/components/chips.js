// A text as a wrapping row of token chips. A click, Enter or the arrow keys select; Python is told.

export default function (component) {
  return render(component, drawChips);
}

function drawChips(root, head) {
  const { pieces, selected } = head;
  const focused = focusedIn(root) !== null;
  const chips = pieces.map((piece, i) => chip(head, i, () => select(i)));
  const row = el("div", { class: "chips", role: "listbox", "aria-label": "Tokens", "aria-orientation": "horizontal" }, ...chips);
  const written = head.new_from !== null && head.new_from < pieces.length;
  const note = written ? el("p", { class: "note quiet" }, el("span", { class: "sample" }), "added to your text") : null;
  root.replaceChildren(pieces.length ? row : el("p", { class: "quiet", text: "No tokens yet." }), note ?? "");

  function select(i) {
    show(i);
    root.send(i);
  }

  function show(i) {
    chips.forEach((each, n) => {
      each.setAttribute("aria-selected", String(n === i));
      each.tabIndex = n === (i ?? 0) ? 0 : -1;
    });
  }

  row.onkeydown = (event) => {
    const at = chips.indexOf(root.getRootNode().activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: chips.length - 1 }[event.key];
    if (to === undefined || !chips[to]) return;
    event.preventDefault();
    chips[to].focus();
    select(to);
  };
  show(selected);
  if (focused) chips[selected]?.focus({ preventScroll: true });
}

function chip({ pieces, ids, new_from: from }, i, select) {
  const written = from !== null && i >= from;
  return el("button", {
    type: "button", role: "option", class: written ? "chip written" : "chip", onclick: select,
    title: `token ${i}, id ${ids[i]}${written ? ", added" : ""}`,
    "aria-label": `${visible(pieces[i])}, id ${ids[i]}${written ? ", added" : ""}`,
    data: { index: i, id: ids[i] }, style: { "--hue": ((ids[i] * 137.508) % 360).toFixed(1) },
  }, tokenNode(pieces[i]), el("span", { class: "id", text: ids[i] }));
}
