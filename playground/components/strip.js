// The stations from text to next word, with arrows between them; a click opens one.

export default function (component) {
  return render(component, (root, head) => {
    const list = el("ol", { class: "strip", "aria-label": "From the text to the next word" },
      ...head.stations.map((station, i) => el("li", {}, drawStation(root, station, i))));
    root.replaceChildren(list);
  });
}

function drawStation(root, station, i) {
  return el(station.id ? "button" : "div", {
    type: station.id ? "button" : null, class: "station", data: { id: station.id, value: station.value },
    title: station.id ? "Open this step" : null, onclick: station.id ? () => root.send(station.id) : null,
  },
    el("span", { class: "title" }, el("span", { class: "number", text: i + 1 }), station.title),
    el("span", { class: "value" }, tokenNode(station.value)),
    el("span", { class: "words quiet", text: station.words }));
}
