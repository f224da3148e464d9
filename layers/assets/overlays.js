/* Images, facilities and ranked places over a sheet. What has not changed since the last view stays as it is. */
(function () {
  "use strict";

  const REACH_PX = 7;
  const SURVEYED = { color: "#FFFFFF", weight: 1.2, fillColor: "#C2410C", fillOpacity: 1 };
  const IMPLIED = { color: "#C2410C", weight: 1.8, fillColor: "#FFFFFF", fillOpacity: 0.9 };

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  /* Texts only: nothing that comes with the data is ever read as HTML. */
  function card(title, lines) {
    const box = element("div");
    box.appendChild(element("b", "", title));
    for (const line of lines) box.appendChild(element("div", "", line));
    return box;
  }

  class Overlays {
    constructor(sheet) {
      this.sheet = sheet;
      this.map = sheet.map;
      this.images = new Map();
      this.turn = 0;
      for (const [name, order] of [["surface", 380], ["facilities", 465], ["places", 640]]) {
        this.map.createPane("sutu-" + name).style.zIndex = order;
      }
      for (const name of ["surface", "facilities"]) this.map.getPane("sutu-" + name).style.pointerEvents = "none";
      this.places = L.layerGroup().addTo(this.map);
      this.near = L.tooltip({ className: "sutu-tip", direction: "top", offset: [0, -6] });
      this.map.on("zoomend", () => this.rescale());
      const box = this.map.getContainer();
      box.addEventListener("mousemove", (event) => this.point(event));
      box.addEventListener("click", (event) => this.point(event));
      box.addEventListener("mouseleave", () => this.map.closeTooltip(this.near));
    }

    async show(spec, turn) {
      if (!this.spec || this.spec.token !== spec.token) this.map.getContainer().dataset.overlays = "";
      let ready;
      try {
        ready = await Promise.all([this.showImages(spec.images), this.loadPoints(spec.points)]);
      } catch (failure) {
        if (turn === this.turn) this.sheet.fail("地图数据未能载入，请刷新页面。");
        return;
      }
      if (turn !== this.turn) return;
      const before = this.spec;
      this.spec = spec;
      if (!before || (before.points || {}).key !== (spec.points || {}).key) this.showPoints(ready[1]);
      this.showPlaces(spec.places);
      this.showLegend(spec);
      this.rescale();
      this.map.getContainer().dataset.overlays = spec.token;
    }

    /* One image element per name; a new picture replaces the old one when it has arrived. */
    showImages(wanted) {
      for (const [name, overlay] of this.images) {
        if (!wanted.some((image) => image.name === name)) {
          overlay.remove();
          this.images.delete(name);
        }
      }
      return Promise.all(wanted.map((image, order) => this.showImage(image, order + 1)));
    }

    async showImage(image, zIndex) {
      const known = this.images.get(image.name);
      if (known && known.sutuUrl === image.url) return;
      const picture = new Image();
      picture.src = image.url;
      await picture.decode();
      if (known) {
        known.setUrl(image.url);
        known.setBounds(L.latLngBounds(image.bounds));
        known.sutuUrl = image.url;
        return;
      }
      const overlay = L.imageOverlay(image.url, image.bounds, {
        pane: "sutu-surface", className: "sutu-surface sutu-surface-" + image.name, interactive: false, zIndex,
      });
      overlay.sutuUrl = image.url;
      this.images.set(image.name, overlay);
      overlay.addTo(this.map);
    }

    async loadPoints(points) {
      if (!points) return null;
      if (this.spec && this.spec.points && this.spec.points.key === points.key) return null;
      const answer = await fetch(points.url);
      if (!answer.ok) throw new Error("HTTP " + answer.status);
      return answer.json();
    }

    showPoints(collection) {
      if (this.points) this.points.remove();
      this.points = null;
      this.spots = [];
      if (!collection) return;
      this.canvas = this.canvas || L.canvas({ pane: "sutu-facilities", padding: 0.2 });
      this.points = L.geoJSON(collection, {
        interactive: false,
        pointToLayer: (feature, place) => L.circleMarker(place, {
          renderer: this.canvas,
          pane: "sutu-facilities",
          interactive: false,
          radius: this.radius(),
          ...(feature.properties.kind === "surveyed" ? SURVEYED : IMPLIED),
        }),
      }).addTo(this.map);
      this.points.eachLayer((dot) => this.spots.push(dot));
      this.map.getContainer().dataset.facilities = this.spots.length;
    }

    radius() {
      return Math.max(2.6, Math.min(7, (this.map.getZoom() - 4) * 0.95));
    }

    rescale() {
      const radius = this.radius();
      if (this.points) this.points.eachLayer((dot) => dot.setRadius(radius));
      for (const overlay of this.images.values()) {
        const node = overlay.getElement();
        const shown = node.getBoundingClientRect().width;
        node.classList.toggle("magnified", node.naturalWidth > 0 && shown > node.naturalWidth);
      }
    }

    /* The canvas lets events through to the regions; what facility is near is looked up here. */
    point(event) {
      const found = this.found(this.map.mouseEventToLayerPoint(event));
      this.map.getContainer().classList.toggle("sutu-at-facility", found.length > 0);
      if (!found.length) {
        this.map.closeTooltip(this.near);
        return;
      }
      const { name, lines } = found[0].feature.properties;
      const more = found.length > 1 ? ["此处共 " + found.length + " 处设施"] : [];
      this.near.setLatLng(found[0].getLatLng()).setContent(card(name, lines.concat(more)));
      this.map.openTooltip(this.near);
    }

    found(at) {
      if (!this.points) return [];
      const near = [];
      for (const dot of this.spots) {
        const distance = at.distanceTo(this.map.latLngToLayerPoint(dot.getLatLng()));
        if (distance <= REACH_PX) near.push([distance, dot]);
      }
      return near.sort((one, other) => one[0] - other[0]).map((pair) => pair[1]);
    }

    showPlaces(places) {
      this.places.clearLayers();
      for (const [lat, lon, rank, lines, kind] of places) {
        const className = "sutu-place" + (kind ? " " + kind : "");
        const icon = L.divIcon({ className, html: element("span", "", rank), iconSize: [20, 20] });
        const marker = L.marker([lat, lon], { icon, pane: "sutu-places", keyboard: false });
        marker.bindTooltip(() => card(lines[0], lines.slice(1)), { className: "sutu-tip", direction: "top" });
        marker.addTo(this.places);
      }
    }

    showLegend(spec) {
      const legend = this.sheet.legend;
      const before = this.legendSize;
      if (spec.legend) legend.replaceChildren(...this.key(spec.legend));
      for (const [kind, count] of Object.entries((spec.points || {}).counts || {})) {
        const row = element("div", "row");
        row.appendChild(element("i", "dot " + (kind === "surveyed" ? "surveyed" : "implied")));
        row.appendChild(element("span", "label", spec.points.labels[kind] || kind));
        row.appendChild(element("span", "count", count.toLocaleString("en")));
        legend.appendChild(row);
      }
      if (spec.placesLabel) {
        const row = element("div", "row");
        const [, , mark, , kind] = spec.places[0];
        const swatch = row.appendChild(element("i", "sutu-place" + (kind ? " " + kind : "")));
        swatch.appendChild(element("span", "", mark));
        row.appendChild(element("span", "label", spec.placesLabel));
        legend.appendChild(row);
      }
      this.legendSize = legend.offsetWidth + "x" + legend.offsetHeight;
      // The sheet fitted the regions beside its own legend; this one may be larger.
      if (this.legendSize !== before && !this.sheet.moved) this.sheet.fit();
    }

    key(legend) {
      const strip = element("div", "strip");
      for (const [color, label] of legend.classes) {
        const step = strip.appendChild(element("i"));
        step.style.background = color;
        step.title = label;
      }
      const ticks = element("div", "ticks");
      for (const tick of legend.ticks) ticks.appendChild(element("span", "", tick));
      const parts = [element("div", "title", legend.title)];
      if (legend.classes.length) parts.push(strip, ticks);
      for (const [color, label, count] of legend.rows || []) {
        const row = element("div", "row");
        row.appendChild(element("i")).style.background = color;
        row.appendChild(element("span", "label", label));
        row.appendChild(element("span", "count", count));
        parts.push(row);
      }
      const rows = [["undefined", legend.unreachable], ["veiled", legend.veil]];
      for (const [kind, text] of rows) {
        if (!text) continue;
        const row = element("div", "row");
        row.appendChild(element("i", kind));
        row.appendChild(element("span", "label", text));
        parts.push(row);
      }
      return parts;
    }
  }

  const known = new WeakMap();
  window.sutuOverlays = {
    async show(map, spec, overlays) {
      const sheet = sutu.sheets.get(map);
      if (!known.has(sheet)) known.set(sheet, new Overlays(sheet));
      const here = known.get(sheet);
      const turn = ++here.turn;
      await sutu.show(map, spec);
      if (turn === here.turn) await here.show(overlays, turn);
    },
    of(map) {
      return known.get(sutu.sheets.get(map));
    },
  };
})();
