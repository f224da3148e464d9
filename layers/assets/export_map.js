"use strict";
// The map of an exported HTML file. All text goes in as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = L.map("map", { attributionControl: false, preferCanvas: true, zoomSnap: 0.25 });
  const panel = document.getElementById("panel");
  const add = (parent, tag, text, name) => {
    const node = document.createElement(tag);
    if (text) node.textContent = text;
    if (name) node.className = name;
    parent.appendChild(node);
    return node;
  };
  add(panel, "h1", data.title);
  const bounds = L.latLngBounds([]);
  const toggles = {};
  data.layers.forEach((layer, number) => {
    const shown = layer.image ? L.imageOverlay(layer.image.url, layer.image.bounds, { className: "painted", opacity: 0.9 }).addTo(map) : L.geoJSON(layer.features, {
      style: (one) => layer.kind === "line"
        ? { color: one.properties.colour, weight: 3 }
        : { color: layer.border, weight: 0.7, fillColor: one.properties.colour, fillOpacity: 0.85 },
      pointToLayer: (one, place) => L.circleMarker(place, {
        radius: 4, color: "#ffffff", weight: 1, fillColor: one.properties.colour, fillOpacity: 0.95,
      }),
      onEachFeature: (one, drawn) => drawn.bindPopup(() => {
        const box = document.createElement("div");
        add(box, "strong", one.properties.name);
        const table = add(box, "table");
        one.properties.values.forEach(([name, value]) => {
          const row = add(table, "tr");
          add(row, "th", name);
          add(row, "td", value);
        });
        return box;
      }, { maxWidth: 340 }),
    }).addTo(map);
    if (shown.getBounds().isValid()) bounds.extend(shown.getBounds());
    const head = add(panel, "h2", "");
    const label = add(head, "label", "");
    const box = add(label, "input", "");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => box.checked ? shown.addTo(map) : shown.remove());
    label.append(` ${layer.title}${layer.unit ? `（${layer.unit}）` : ""}`);
    layer.legend.forEach((entry) => {
      const row = add(panel, "div", "", "row");
      add(row, "span", "", "swatch").style.background = entry.colour;
      add(row, "span", entry.label);
    });
    toggles[number] = shown;
    data.words[number].slice(1, -1).forEach((line) => add(panel, "div", line, "words"));
  });
  add(panel, "p", data.permission, "notice");
  map.fitBounds(bounds.isValid() ? bounds : [[30.7, 116.3], [35.2, 122]], { padding: [12, 12] });
  L.control.scale({ imperial: false }).addTo(map);
  document.getElementById("map").dataset.drawn = String(data.layers.length);
})();
