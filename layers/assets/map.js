/* Draws what a map is told to show. The map itself stays: a new theme, selection or level changes what is on it. */
(function () {
  "use strict";

  const SELECTED = [
    { color: "#FFFFFF", weight: 5.5, opacity: 0.95 },
    { color: "#B4232A", weight: 2.8, opacity: 1 },
  ];
  const HOVERED = { color: "#1E2933", weight: 1.6, opacity: 1 };
  const BORDER = { color: "#7C8B97", weight: 0.5, opacity: 0.9 };
  const HATCH = "sutu-hatch";
  const STRIPE = "#A4AEB6";
  /* Pixels kept free beside the regions, and the least that must be left for them. */
  const MARGIN = 10;
  const LEAST = 40;
  const pieces = new Map();

  /* Leaflet focuses the map when the mouse goes down on it, and the browser then scrolls the page to a map that is
     partly out of sight: the mouse comes up elsewhere and the click is lost. */
  L.Map.Keyboard.include({
    _onMouseDown: function () {
      if (!this._focused) this._map.getContainer().focus({ preventScroll: true });
    },
  });

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  /* The positions in nested coordinates, as one list. */
  function corners(nested) {
    return nested.length && typeof nested[0] === "number" ? [nested] : nested.flatMap(corners);
  }

  /* A piece is inline data or the address of published data; each is fetched once. */
  function load(piece) {
    if (!piece) return Promise.resolve(null);
    if (piece.data) return Promise.resolve(piece.data);
    if (!pieces.has(piece.url)) {
      const wanted = fetch(piece.url).then((answer) => {
        if (!answer.ok) throw new Error("HTTP " + answer.status);
        return answer.json();
      });
      wanted.catch(() => pieces.delete(piece.url));
      pieces.set(piece.url, wanted);
    }
    return pieces.get(piece.url);
  }

  class Sheet {
    constructor(map, options) {
      this.map = map;
      this.options = options;
      this.turn = 0;
      this.moved = false;
      this.regions = null;
      this.outline = [];
      this.byCode = new Map();
      const box = map.getContainer();
      this.head = box.appendChild(element("div", "sutu-head"));
      this.legend = box.appendChild(element("div", "sutu-legend"));
      this.strip = box.appendChild(element("div", "sutu-strip"));
      this.alert = box.appendChild(element("div", "sutu-alert"));
      for (const node of [this.head, this.legend, this.strip]) {
        L.DomEvent.disableClickPropagation(node);
        L.DomEvent.disableScrollPropagation(node);
      }
      map.createPane("sutu-lines").style.zIndex = 450;
      map.createPane("sutu-points").style.zIndex = 460;
      map.createPane("sutu-labels").style.zIndex = 620;
      map.createPane("sutu-mark").style.zIndex = 455;
      for (const name of ["sutu-lines", "sutu-mark", "sutu-labels"]) map.getPane(name).style.pointerEvents = "none";
      this.lines = L.layerGroup().addTo(map);
      this.mark = L.layerGroup().addTo(map);
      this.points = L.layerGroup().addTo(map);
      this.labels = L.layerGroup().addTo(map);
      L.control.scale({ imperial: false, position: "bottomright", maxWidth: 90 }).addTo(map);
      this.addHome();
      map.on("zoomend", () => this.showLabels());
      const taken = () => { this.moved = true; };
      map.on("dragstart boxzoomend", taken);
      for (const kind of ["wheel", "dblclick", "touchstart", "keydown"]) {
        box.addEventListener(kind, taken, { passive: true });
      }
      box.querySelector(".leaflet-control-zoom").addEventListener("click", taken, true);
      new ResizeObserver(() => this.resized()).observe(box);
      if (options.link) this.link();
    }

    addHome() {
      const control = L.control({ position: "topright" });
      control.onAdd = () => {
        const bar = element("div", "leaflet-bar");
        const button = bar.appendChild(element("a", "sutu-home"));
        button.href = "#";
        button.title = "回到全图";
        button.setAttribute("role", "button");
        button.setAttribute("aria-label", "回到全图");
        L.DomEvent.on(button, "click", (event) => {
          L.DomEvent.stop(event);
          this.moved = false;
          this.fit();
        });
        return bar;
      };
      control.addTo(this.map);
    }

    /* Maps of one page that name the same link move together. */
    link() {
      this.map.on("moveend", () => {
        if (!this.following) this.tellOthers();
      });
    }

    tellOthers() {
      for (let index = 0; index < window.parent.frames.length; index += 1) {
        let other = null;
        try {
          other = window.parent.frames[index].sutu;
        } catch (refused) {
          continue;
        }
        if (other && other !== window.sutu) {
          other.follow(this.options.link, this.map.getCenter(), this.map.getZoom(), this.moved);
        }
      }
    }

    /* Until a person moves one, a map whose legend would cover a region fits anew, and the others follow it. */
    follow(center, zoom, moved) {
      this.following = true;
      this.moved = moved;
      this.map.setView([center.lat, center.lng], zoom, { animate: false });
      this.following = false;
      if (!moved && this.regions && this.hidden() > 0) this.fit();
    }

    resized() {
      this.map.invalidateSize({ animate: false });
      this.place();
      if (!this.moved) this.fit();
    }

    /* Controls at the bottom stand on the strip, however many lines it has. */
    place() {
      const height = this.strip.offsetHeight;
      this.map.getContainer().style.setProperty("--strip", height + "px");
    }

    fit() {
      if (!this.spec || !this.spec.bounds || !this.regions) return;
      this.following = true;
      let left = MARGIN;
      for (let attempt = 0; attempt < 5 && this.hasRoom(left); attempt += 1) {
        this.fitBeside(left);
        const hidden = this.hidden();
        if (hidden <= 0) break;
        left += hidden + 4;
      }
      this.following = false;
      if (this.options.link) this.tellOthers();
    }

    /* A frame that is not laid out yet has no room to fit anything in; it is fitted when it gets its size. */
    hasRoom(left) {
      const size = this.map.getSize();
      const [top, bottom] = this.margins();
      return size.x > left + MARGIN + LEAST && size.y > top + bottom + LEAST;
    }

    /* What head and strip take at the top and at the bottom, in pixels. */
    margins() {
      return [this.head.offsetHeight + 8, this.strip.offsetHeight + 8];
    }

    /* Fit with so much room on the left, the picture at the top. */
    fitBeside(left) {
      const [top, bottom] = this.margins();
      this.map.fitBounds(this.spec.bounds, {
        paddingTopLeft: [left, top],
        paddingBottomRight: [MARGIN, bottom],
        animate: false,
      });
      const north = this.map.latLngToContainerPoint(L.latLngBounds(this.spec.bounds).getNorthWest());
      if (north.y > top) this.map.panBy([0, north.y - top], { animate: false });
    }

    /* How far, in pixels, the legend reaches over the regions; their outer lines are enough to know. */
    hidden() {
      const box = this.map.getContainer().getBoundingClientRect();
      const legend = this.legend.getBoundingClientRect();
      const upper = legend.top - box.top - 4;
      const right = legend.right - box.left + 6;
      let hidden = 0;
      for (const [lon, lat] of this.outline) {
        const point = this.map.latLngToContainerPoint([lat, lon]);
        if (point.y > upper && point.x < right) hidden = Math.max(hidden, right - point.x);
      }
      return hidden;
    }

    async show(spec) {
      const turn = ++this.turn;
      let shapes, lines;
      try {
        [shapes, lines] = await Promise.all([load(spec.shapes), load(spec.lines)]);
      } catch (failure) {
        if (turn === this.turn) this.fail("地图数据未能载入，请刷新页面。");
        return;
      }
      if (turn !== this.turn) return;
      const before = this.spec;
      this.spec = spec;
      this.alert.classList.remove("shown");
      this.showHead(spec);
      this.showLegend(spec);
      this.showStrip(spec);
      this.place();
      if (!before || before.shapes.key !== spec.shapes.key) this.showShapes(shapes);
      this.outline = corners(((lines || {}).features || []).map((line) => line.geometry.coordinates));
      if (!before || String(before.bounds) !== String(spec.bounds)) {
        this.moved = false;
        this.fit();
      }
      if (!before || (before.lines || {}).key !== (spec.lines || {}).key) this.showLines(lines);
      this.restyle();
      this.showPoints(spec.points || []);
      this.showLabels();
      this.map.getContainer().dataset.drawn = spec.token;
      // The rest of the page waits for this word (pages/map_first.py); a map in a file has nobody to tell.
      if (spec.token && location.protocol.startsWith("http")) navigator.sendBeacon(`/assets/drawn/${spec.token}`);
    }

    fail(text) {
      this.alert.textContent = text;
      this.alert.classList.add("shown");
    }

    showShapes(shapes) {
      if (this.regions) this.map.removeLayer(this.regions);
      this.byCode.clear();
      this.regions = L.geoJSON(shapes, {
        smoothFactor: 0,
        style: () => ({ className: "sutu-region", ...BORDER, fillOpacity: 1, fillColor: "#FFFFFF" }),
        onEachFeature: (feature, path) => {
          this.byCode.set(feature.id, path);
          path.bindTooltip(() => this.tip(feature), { sticky: true, className: "sutu-tip" });
          path.on("mouseover", () => this.hover(path));
          path.on("mouseout", () => this.unhover(path));
          path.on("click", (event) => this.choose(feature.id, event.latlng));
        },
      }).addTo(this.map);
      const svg = this.map.getPane("overlayPane").querySelector("svg");
      if (svg && !svg.querySelector("#" + HATCH)) svg.appendChild(hatch(this.spec.undefinedFill));
    }

    style(code) {
      const value = this.spec.values[code];
      const fill = value && value[0] >= 0 ? this.spec.fills[value[0]] : `url(#${HATCH})`;
      return { ...BORDER, fillColor: fill, fillOpacity: 1 };
    }

    restyle() {
      for (const [code, path] of this.byCode) {
        path.setStyle(this.style(code));
        const drawn = path.getElement();
        if (drawn) drawn.dataset.adcode = code;
      }
      this.showMark();
    }

    /* The region chosen is outlined above all lines, on white so that it shows on any colour. */
    showMark() {
      this.mark.clearLayers();
      const chosen = this.byCode.get(this.spec.selected);
      if (!chosen) return;
      for (const style of SELECTED) {
        L.geoJSON(chosen.feature, {
          pane: "sutu-mark",
          interactive: false,
          smoothFactor: 0,
          style: { className: "sutu-mark", fill: false, ...style },
        }).addTo(this.mark);
      }
    }

    hover(path) {
      path.setStyle(HOVERED);
      path.bringToFront();
    }

    unhover(path) {
      path.setStyle(this.style(path.feature.id));
    }

    /* What a click tells the page: the region, and where in it, with the zoom that says how exact that is. */
    choose(code, place) {
      this.spec.selected = code;
      this.restyle();
      if (window.Streamlit) {
        window.sutu.clicks += 1;
        const at = place ? { lon: place.lng, lat: place.lat, zoom: this.map.getZoom() } : {};
        window.Streamlit.setComponentValue({ adcode: code, click: window.sutu.clicks, ...at });
      }
    }

    /* Text only: nothing that comes with the data is ever read as HTML. */
    tip(feature) {
      const value = this.spec.values[feature.id];
      const box = element("div");
      box.appendChild(element("b", "", feature.properties.name));
      if (feature.properties.parent) box.appendChild(element("span", "parent", feature.properties.parent));
      const lines = value ? value.slice(1) : [this.spec.undefinedText];
      for (const line of lines) if (line) box.appendChild(element("div", "", line));
      return box;
    }

    showLines(lines) {
      this.lines.clearLayers();
      for (const line of (lines || {}).features || []) {
        L.geoJSON(line, {
          pane: "sutu-lines",
          interactive: false,
          smoothFactor: 0,
          style: { className: "sutu-line", ...line.properties },
        }).addTo(this.lines);
      }
    }

    /* [latitude, longitude, radius, colour, text] each, on one canvas. */
    showPoints(points) {
      this.points.clearLayers();
      if (!points.length) return;
      this.canvas = this.canvas || L.canvas({ pane: "sutu-points" });
      for (const [lat, lon, radius, color, text] of points) {
        const dot = L.circleMarker([lat, lon], {
          renderer: this.canvas, radius, weight: 1, color: "#FFFFFF", fillColor: color, fillOpacity: 0.95,
        });
        if (text) dot.bindTooltip(() => element("div", "", text), { className: "sutu-tip" });
        dot.addTo(this.points);
      }
    }

    showLabels() {
      this.labels.clearLayers();
      if (!this.spec) return;
      const zoom = this.map.getZoom();
      const narrow = this.map.getSize().x < 480;
      for (const [lat, lon, text, from, to, kind] of this.spec.labels || []) {
        if (zoom < from || zoom >= to) continue;
        const icon = L.divIcon({
          className: "sutu-label " + kind + (narrow ? " narrow" : ""),
          html: element("span", "", text),
          iconSize: [0, 0],
        });
        L.marker([lat, lon], { icon, pane: "sutu-labels", interactive: false, keyboard: false }).addTo(this.labels);
      }
    }

    showHead(spec) {
      this.head.replaceChildren(element("b", "", spec.title), element("span", "", spec.subtitle));
    }

    showStrip(spec) {
      this.strip.replaceChildren(
        ...spec.notes.map((note) => element("span", "", note)),
        element("strong", "", spec.notice),
      );
    }

    showLegend(spec) {
      const rows = spec.legend.rows.map(([fill, label, count]) => {
        const row = element("div", "row");
        const swatch = row.appendChild(element("i", fill < 0 ? "undefined" : ""));
        const striped = `repeating-linear-gradient(135deg, ${STRIPE} 0 2px, ${spec.undefinedFill} 2px 5px)`;
        swatch.style.background = fill < 0 ? striped : spec.fills[fill];
        row.appendChild(element("span", "label", label));
        row.appendChild(element("span", "count", count));
        return row;
      });
      const parts = [element("div", "title", spec.legend.title), ...rows];
      if (spec.legend.note) parts.push(element("div", "note", spec.legend.note));
      this.legend.replaceChildren(...parts);
    }
  }

  /* The fill of a region without a value: hatched, so that it is never taken for a class. */
  function hatch(ground) {
    const space = "http://www.w3.org/2000/svg";
    const defs = document.createElementNS(space, "defs");
    const pattern = defs.appendChild(document.createElementNS(space, "pattern"));
    const settings = { id: HATCH, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
    for (const [name, value] of Object.entries(settings)) pattern.setAttribute(name, value);
    for (const [width, color] of [[6, ground], [2, STRIPE]]) {
      const bar = pattern.appendChild(document.createElementNS(space, "rect"));
      bar.setAttribute("width", width);
      bar.setAttribute("height", 6);
      bar.setAttribute("fill", color);
    }
    return defs;
  }

  window.sutu = {
    clicks: 0,
    sheets: new Map(),
    start(map, options) {
      this.sheets.set(map, new Sheet(map, options));
    },
    show(map, spec) {
      return this.sheets.get(map).show(spec);
    },
    follow(link, center, zoom, moved) {
      for (const sheet of this.sheets.values()) {
        if (sheet.options.link === link) sheet.follow(center, zoom, moved);
      }
    },
  };
})();
