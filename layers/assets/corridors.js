/* Corridors over a sheet: areas, lines and points with tips and clicks; what is shown changes without fetching anew. */
(function () {
  "use strict";

  const DASHES = { existing: null, unstated: null, under_construction: "9 4", planned: "5 5", vision: "1.5 6" };
  const HALO = 3.5;

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  class Corridors {
    constructor(sheet) {
      this.sheet = sheet;
      this.map = sheet.map;
      this.turn = 0;
      this.made = new Map();
      this.shown = new Map();
      for (const [name, order] of [["areas", 442], ["lines", 470]]) {
        this.map.createPane("sutu-corridor-" + name).style.zIndex = order;
      }
      this.renderers = {
        area: L.svg({ pane: "sutu-corridor-areas", padding: 0.3 }),
        line: L.svg({ pane: "sutu-corridor-lines", padding: 0.3 }),
      };
      this.group = L.layerGroup().addTo(this.map);
      this.halo = L.layerGroup().addTo(this.map);
    }

    async show(spec, turn) {
      const started = performance.now();
      const box = this.map.getContainer();
      if (!this.spec || this.spec.token !== spec.token) box.dataset.corridors = "";
      if (!this.data || this.data.key !== spec.key) {
        let answer;
        try {
          answer = spec.data ? spec.data : await (await fetch(spec.url)).json();
        } catch (failure) {
          if (turn === this.turn) this.sheet.fail("通道数据未能载入，请刷新页面。");
          return;
        }
        if (turn !== this.turn) return;
        this.data = { key: spec.key, ...answer };
        this.made.clear();
        this.group.clearLayers();
        this.shown.clear();
      }
      this.spec = spec;
      const wanted = new Set(spec.visible);
      for (const [number, layer] of this.shown) {
        if (!wanted.has(number)) {
          this.group.removeLayer(layer);
          this.shown.delete(number);
        }
      }
      for (const number of wanted) {
        if (this.shown.has(number)) continue;
        const layer = this.layer(number);
        this.group.addLayer(layer);
        this.shown.set(number, layer);
      }
      this.mark();
      this.key();
      box.dataset.corridorCount = this.shown.size;
      box.dataset.corridorMs = Math.round(performance.now() - started);
      box.dataset.corridors = spec.token;
    }

    style(feature) {
      return {
        color: feature.colour, weight: feature.weight, opacity: 0.95, dashArray: DASHES[feature.status],
        lineCap: feature.status === "vision" ? "round" : "butt", fill: false, smoothFactor: 0.8,
      };
    }

    layer(number) {
      if (this.made.has(number)) return this.made.get(number);
      const feature = this.data.features[number];
      const parts = feature.kind === "point" ? this.dots(feature) : this.paths(feature);
      const layer = L.layerGroup(parts);
      for (const part of parts) {
        if (part.options.interactive === false) continue;
        part.bindTooltip(() => this.tip(feature), { sticky: true, className: "sutu-tip" });
        part.on("mouseover", () => parts[0].setStyle({ weight: feature.weight + 2 }));
        part.on("mouseout", () => parts[0].setStyle({ weight: feature.weight }));
        part.on("click", (event) => {
          L.DomEvent.stop(event);
          this.choose(feature.id);
        });
        part.on("add", () => {
          const node = part.getElement();
          if (node) node.dataset.corridor = feature.id;
        });
      }
      this.made.set(number, layer);
      return layer;
    }

    /* A visible path and, for lines, a wider one that nobody sees, so that a thin line is easily hit. */
    paths(feature) {
      const rings = this.data.shapes[feature.shape];
      const area = feature.kind === "area";
      const renderer = this.renderers[area ? "area" : "line"];
      const seen = area
        ? L.polygon(rings, { renderer, className: "sutu-corridor area", ...this.style(feature), weight: feature.weight })
        : L.polyline(rings, { renderer, className: "sutu-corridor", interactive: false, ...this.style(feature) });
      if (area) return [seen];
      const hit = L.polyline(rings, {
        renderer, className: "sutu-corridor-hit", color: "#000", opacity: 0, weight: 11, smoothFactor: 0.8,
      });
      return [seen, hit];
    }

    dots(feature) {
      return this.data.shapes[feature.shape].map((place) => L.circleMarker(place, {
        renderer: this.renderers.line, className: "sutu-corridor dot", radius: 4.2, weight: 1.4, color: "#FFFFFF",
        fillColor: feature.colour, fillOpacity: feature.status === "vision" ? 0.45 : 0.95,
      }));
    }

    mark() {
      this.halo.clearLayers();
      const number = this.data.features.findIndex((feature) => feature.id === this.spec.selected);
      if (number < 0) return;
      const feature = this.data.features[number];
      const rings = this.data.shapes[feature.shape];
      const renderer = this.renderers[feature.kind === "area" ? "area" : "line"];
      const base = { renderer, interactive: false, className: "sutu-corridor-mark", smoothFactor: 0.8 };
      if (feature.kind === "point") {
        for (const place of rings) {
          L.circleMarker(place, { ...base, radius: 8, weight: 2.4, color: "#B4232A", fill: false }).addTo(this.halo);
        }
        return;
      }
      const draw = feature.kind === "area" ? L.polygon : L.polyline;
      const fill = feature.kind === "area" ? { fill: true, fillColor: feature.colour, fillOpacity: 0.22 } : { fill: false };
      draw(rings, { ...base, color: "#FFFFFF", weight: feature.weight + 2 * HALO, opacity: 0.95, fill: false })
        .addTo(this.halo);
      draw(rings, { ...base, color: feature.colour, weight: feature.weight + 2, ...fill }).addTo(this.halo);
    }

    choose(id) {
      this.spec.selected = id;
      this.mark();
      if (window.Streamlit) {
        window.sutu.clicks += 1;
        window.Streamlit.setComponentValue({ corridor: id, click: window.sutu.clicks });
      }
    }

    /* Text only: nothing that comes with the data is ever read as HTML. */
    tip(feature) {
      const box = element("div");
      box.appendChild(element("b", "", feature.name));
      for (const line of feature.lines) if (line) box.appendChild(element("div", "", line));
      return box;
    }

    key() {
      const legend = this.sheet.legend;
      const size = legend.offsetHeight;
      for (const old of legend.querySelectorAll(".sutu-corridor-key")) old.remove();
      const box = legend.appendChild(element("div", "sutu-corridor-key"));
      if (!this.sheet.spec.legend.title) box.classList.add("alone");
      box.appendChild(element("div", "title", this.spec.legendTitle));
      for (const [status, label] of this.spec.legendRows) {
        const count = this.spec.counts[status] || 0;
        if (!count) continue;
        const row = box.appendChild(element("div", "row"));
        row.appendChild(element("i", "stroke " + status));
        row.appendChild(element("span", "label", label));
        row.appendChild(element("span", "count", count));
      }
      if (this.spec.note) box.appendChild(element("div", "note", this.spec.note));
      if (legend.offsetHeight !== size && !this.sheet.moved) this.sheet.fit();
    }
  }

  const known = new WeakMap();
  window.sutuCorridors = {
    async show(map, spec, corridors) {
      const sheet = sutu.sheets.get(map);
      if (!known.has(sheet)) known.set(sheet, new Corridors(sheet));
      const here = known.get(sheet);
      const turn = ++here.turn;
      await sutu.show(map, spec);
      if (turn === here.turn) await here.show(corridors, turn);
    },
    of(map) {
      return known.get(sutu.sheets.get(map));
    },
  };
})();
