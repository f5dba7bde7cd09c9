// The residual stream as a line from top to bottom. Branches leave it and are added back.
// Blocks are closed, except for the one whose step is selected or that the reader opened.

export default function (component) {
  return render(component, (root, head, kept) => {
    new Spine(root, head, kept).draw();
  });
}

class Spine {
  constructor(root, head, kept) {
    Object.assign(this, { root, head, kept });
    if (kept.given !== head.selected) {
      kept.given = this.selected = head.selected;
      kept.open = this.blockOf(head.selected);
    }
    this.selected = kept.selected = this.selected ?? kept.selected;
  }

  blockOf(id) {
    return this.head.steps.find((step) => step.id === id)?.block ?? null;
  }

  draw() {
    const list = el("div", { class: "spine", role: "group", "aria-label": "The steps of the forward pass" });
    for (const part of parts(this.head.steps)) list.append(part.block === null ? this.plain(part) : this.block(part));
    list.onkeydown = (event) => this.pressed(event);
    const focused = focusedIn(this.root)?.dataset.step;
    const box = el("div", { class: "window" }, list); // on a narrow screen the list scrolls in its own box
    this.root.replaceChildren(box);
    const here = list.querySelector("[aria-current]");
    if (here) box.scrollTop = here.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2;
    if (focused === undefined) return;
    const again = [...list.querySelectorAll("button")].find((each) => each.dataset.step === focused);
    again?.focus({ preventScroll: true });
  }

  plain({ steps }) {
    return el("div", { class: "outside" }, ...sections(steps).map((section) => this.section(section)));
  }

  block({ block, steps }) {
    const open = this.kept.open === block;
    const stream = steps.filter((step) => step.kind === "stream").at(-1);
    const bar = el("button", {
      type: "button", class: "bar", "aria-expanded": String(open), data: { block, step: `block ${block}` },
      onclick: () => this.toggle(block),
    }, el("span", { class: "knot" }), el("span", { class: "name", text: Number.isInteger(block) ? `Block ${block}` : block }),
      el("span", { class: "note", text: open ? "" : stream?.note ?? "" }),
      el("span", { class: "fold", "aria-hidden": "true", text: open ? "▾" : "▸" }));
    return el("div", { class: open ? "block shown" : "block" }, bar,
      ...(open ? sections(steps).map((section) => this.section(section)) : []));
  }

  section({ branch, steps }) {
    const nodes = steps.map((step) => this.node(step));
    if (!branch) return el("div", { class: "stream" }, ...nodes);
    return el("div", { class: "branch" }, el("div", { class: "leave", "aria-hidden": "true" }),
      el("div", { class: "branch-name quiet", text: branch }), ...nodes,
      el("div", { class: "rejoin", "aria-hidden": "true" }), el("div", { class: "plus", "aria-hidden": "true", text: "+" }));
  }

  node(step) {
    const here = step.id === this.selected;
    const role = { q: "q", q_norm: "q", q_rot: "q", k: "k", k_norm: "k", k_rot: "k", v: "v", pattern: "a" }[step.id.split(".").at(-1)];
    const letter = role ? el("span", { class: `letter letter-${role}`, text: role.toUpperCase() }) : null;
    return el("button", {
      type: "button", class: `step ${step.kind}${step.missing ? " missing" : ""}`, data: { step: step.id },
      "aria-current": here ? "step" : null, title: step.note ? `${step.title}: ${step.note}` : step.title,
      onclick: () => this.select(step.id),
    }, el("span", { class: "knot" }), el("span", { class: "name" }, letter, step.title),
      el("span", { class: "note", text: step.note }));
  }

  toggle(block) {
    this.kept.open = this.kept.open === block ? null : block;
    this.draw();
  }

  select(id) {
    this.selected = this.kept.selected = id;
    for (const node of this.root.querySelectorAll(".step")) {
      if (node.dataset.step === id) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    }
    this.root.send(id);
  }

  pressed(event) {
    const nodes = [...this.root.querySelectorAll("button")];
    const at = nodes.indexOf(this.root.getRootNode().activeElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (to === undefined || !nodes[to]) return;
    event.preventDefault();
    nodes[to].focus();
  }
}

// Neighbouring steps of one block belong together.
function parts(steps) {
  const found = [];
  for (const step of steps) {
    if (!found.length || found.at(-1).block !== step.block) found.push({ block: step.block, steps: [] });
    found.at(-1).steps.push(step);
  }
  return found;
}

// Runs of branch steps, and what lies on the stream between them.
function sections(steps) {
  const found = [];
  for (const step of steps) {
    const branch = step.kind === "branch";
    const last = found.at(-1);
    if (!last || !!last.branch !== branch) found.push({ branch: branch ? "branch" : "", steps: [] });
    found.at(-1).steps.push(step);
  }
  for (const section of found) if (section.branch) section.branch = branchName(section.steps);
  return found;
}

function branchName(steps) {
  if (steps.some((step) => /attn|cross/.test(step.id))) return "attention";
  if (steps.some((step) => /mlp/.test(step.id))) return "feed-forward";
  return "branch";
}
