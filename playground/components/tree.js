// The family tree: a column for each generation, a box for each idea, and lines that say what grew out of what.

const SVG = "http://www.w3.org/2000/svg";

export default function (component) {
  return render(component, (root, head) => {
    const boxes = new Map(head.nodes.map((node) => [node.id, drawNode(root, node, head.nodes)]));
    const lines = document.createElementNS(SVG, "svg");
    lines.setAttribute("class", "lines");
    lines.setAttribute("aria-hidden", "true");
    const columns = head.columns.map((title, i) => el("section", { class: "generation" },
      el("h4", { text: title }),
      el("ol", {}, ...head.nodes.filter((node) => node.column === i).map((node) => el("li", {}, boxes.get(node.id))))));
    const tree = el("div", { class: "tree", role: "group", "aria-label": "The family tree of the models" }, lines, ...columns);
    root.replaceChildren(tree);
    const draw = () => drawLines(tree, lines, head.nodes, boxes);
    root.watcher?.disconnect();
    root.watcher = new ResizeObserver(draw);
    root.watcher.observe(tree);
    root.close = () => root.watcher.disconnect();
    draw();
    return () => root.watcher.observe(tree);
  });
}

function drawNode(root, node, nodes) {
  const titles = node.after.map((id) => nodes.find((each) => each.id === id).title);
  return el("button", {
    type: "button", class: "idea", data: { id: node.id }, title: "Find it among the models below",
    onclick: () => root.send(node.id),
  },
    el("span", { class: "name" }, el("strong", { text: node.title }), " ", el("span", { class: "quiet year", text: node.year })),
    titles.length ? el("span", { class: "after quiet", text: `adds to: ${titles.join(", ")}` }) : null,
    el("span", { class: "added", text: node.added }),
    el("span", { class: "paper quiet", text: node.paper }));
}

// Within a column: straight down to the next box, or by the left margin past those between. To another column: from
// the right side to the left side.
function drawLines(tree, lines, nodes, boxes) {
  const frame = tree.getBoundingClientRect();
  lines.setAttribute("viewBox", `0 0 ${Math.max(1, frame.width)} ${Math.max(1, frame.height)}`);
  const at = (id) => {
    const box = boxes.get(id).getBoundingClientRect();
    return { left: box.left - frame.left, right: box.right - frame.left, top: box.top - frame.top,
      bottom: box.bottom - frame.top, middle: box.top - frame.top + Math.min(22, box.height / 2) };
  };
  const columnOf = new Map(nodes.map((node) => [node.id, node.column]));
  lines.replaceChildren(...nodes.flatMap((node) => node.after.map((parent) => {
    const from = at(parent), to = at(node.id), path = document.createElementNS(SVG, "path");
    const between = nodes.slice(nodes.findIndex((each) => each.id === parent) + 1, nodes.indexOf(node));
    const next = between.every((each) => each.column !== node.column);
    const bend = (to.left - from.right) / 2;
    path.setAttribute("d", columnOf.get(parent) === node.column
      ? next ? `M ${from.left + 20} ${from.bottom} V ${to.top}` : `M ${from.left} ${from.middle} h -10 V ${to.middle} H ${to.left}`
      : `M ${from.right} ${from.middle} C ${from.right + bend} ${from.middle} ${to.left - bend} ${to.middle} ${to.left} ${to.middle}`);
    return path;
  })));
}
