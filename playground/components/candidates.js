// The most probable next tokens as bars on a fixed scale from 0 to 100 %. A click takes one.

export default function (component) {
  return render(component, drawCandidates);
}

function drawCandidates(root, head) {
  const list = el("ol", { class: "candidates", "aria-label": "The most probable next tokens" },
    ...head.rows.map((row) => el("li", {}, candidate(root, head, row))));
  const rest = head.others > 0
    ? el("p", { class: "rest quiet", data: { prob: head.others_prob, count: head.others },
        text: `the other ${count(head.others)} tokens together: ${percent(head.others_prob)}` })
    : null;
  root.replaceChildren(list, rest ?? "");
}

function candidate(root, head, row) {
  const taken = row.id === head.taken;
  const known = typeof row.right === "number";
  const words = `${visible(row.piece)}: ${percent(row.prob)}, ${known ? `right would be ${percent(row.right)}, ` : ""}`
    + `logit ${digits(row.logit, 2)}`;
  return el(head.clickable ? "button" : "div", {
    type: head.clickable ? "button" : null, class: `candidate${taken ? " taken" : ""}${known ? " known" : ""}`,
    title: head.clickable ? `${words}. Click to add it.` : words, "aria-label": words,
    data: { id: row.id, prob: row.prob, logit: row.logit, rank: row.rank, ...(known && { right: row.right }) },
    onclick: head.clickable ? () => root.send(row.id) : null,
  },
    el("span", { class: "rank quiet", text: row.rank }), tokenNode(row.piece),
    el("span", { class: "track", "aria-hidden": "true" },
      el("span", { class: "bar", style: { width: `${Math.max(row.prob * 100, 0.3)}%` } }),
      known ? el("span", { class: "right-mark", style: { left: `${row.right * 100}%` } }) : ""),
    el("span", { class: "prob mono", text: percent(row.prob) }),
    known ? el("span", { class: "right-prob mono", text: percent(row.right) }) : "",
    el("span", { class: "logit mono quiet", text: digits(row.logit, 2) }));
}
