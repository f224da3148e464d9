"""Take the pictures of QGIS reading our layers by URL for ``docs/guide/ogc-api.md``.

``/usr/bin/python3 scripts/qgis_pictures.py URL FOLDER``: starts Debian's ``qgis`` on a virtual screen, in
Chinese and with an empty profile, has it run this file again, works the dialogs as a person would and grabs
the windows as PNG. URL is the landing page of a running server (``http://127.0.0.1:8501/ogc/``). Debian's
packages ``qgis``, ``xvfb`` and ``fonts-noto-cjk`` are needed. The exit code is 1 when one is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from qgis import utils
from qgis.core import (
    QgsClassificationQuantile,
    QgsCoordinateReferenceSystem,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGraduatedSymbolRenderer,
    QgsProject,
    QgsRectangle,
    QgsSymbol,
    QgsVectorTileBasicRenderer,
    QgsVectorTileBasicRendererStyle,
    QgsVectorTileLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtGui import QColor, QFont
from qgis.PyQt.QtWidgets import QAction, QApplication, QComboBox, QLineEdit, QPushButton, QTreeView, QWidget

PICTURES = ("qgis-new-connection", "qgis-layers", "qgis-map", "qgis-tiles")
TILES = "collections/population_grid/tiles/WebMercatorQuad/{z}/{y}/{x}?f%3Dmvt"
DENSITIES = (0, 200, 400, 600, 1000, 2000, 5000)
LAYER = "indicator.urbanisation_rate.county"
_URL, _FOLDER = "SUTU_QGIS_URL", "SUTU_QGIS_FOLDER"
_FONT = "Noto Sans CJK SC"
_PATIENCE_S = 40.0


def main() -> int:
    """Run QGIS on this file and say which pictures there are."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sutu-qgis-") as home:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": home,
            "XDG_RUNTIME_DIR": home,
            "LANG": "C.UTF-8",
            _URL: url,
            _FOLDER: str(folder.resolve()),
        }
        words = ["--nologo", "--noversioncheck", "--lang", "zh-Hans", "--profiles-path", home]
        command = [
            "xvfb-run",
            "-a",
            "-s",
            "-screen 0 1400x1000x24",
            "qgis",
            *words,
            "--code",
            str(Path(__file__).resolve()),
        ]
        told = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, timeout=180
        )
    missing = [name for name in PICTURES if not (folder / f"{name}.png").is_file()]
    for name in missing:
        print(f"没有拍到：{name}")
    if missing:
        print(told.stdout[-2000:], told.stderr[-2000:])
    return 1 if missing else 0


def inside() -> None:
    """Work the dialogs of the QGIS that runs this and grab its windows; QGIS ends afterwards."""
    QApplication.setFont(QFont(_FONT, 10))
    _Work(utils.iface).run()


def note_fault() -> None:
    """Write beside the pictures what went wrong: QGIS prints nothing."""
    (Path(os.environ[_FOLDER]) / "fault.txt").write_text(traceback.format_exc(), encoding="utf-8")


class _Work:
    """The steps of a person who adds a layer by its URL."""

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.url, self.folder = os.environ[_URL], Path(os.environ[_FOLDER])

    def run(self) -> None:
        """Open the dialog; the other steps follow by a timer, for the dialog may keep whoever opened it."""

        def rest() -> None:
            try:
                self.steps()
            except Exception:
                # Qt would swallow it and wait at the dialog for ever.
                note_fault()
            finally:
                os._exit(0)

        window = self.iface.mainWindow()
        window.resize(1280, 800)
        QTimer.singleShot(3000, rest)
        window.findChild(QAction, "mActionAddWfsLayer").trigger()

    def steps(self) -> None:
        """Do every step after the first."""
        manager = self.wait(lambda: self.window_of("QgsDataSourceManagerDialog"))
        manager.resize(980, 560)
        page = self.wait(lambda: self.child(manager, "QgsWFSSourceSelect"))
        self.new_connection(page)
        connect = page.findChild(QPushButton, "btnConnect")
        self.wait(connect.isEnabled)
        connect.click()
        self.choose(page)
        self.grab(manager, "qgis-layers")
        self.add(page)
        manager.close()
        self.show(self.iface.mainWindow())
        self.tiles(self.iface.mainWindow())

    def new_connection(self, page: Any) -> None:
        """Fill in the dialog of a new connection, grab it and accept."""

        def fill() -> None:
            dialog = self.wait(
                lambda: self.window_of("QgsWFSNewConnection") or self.window_of("QgsNewHttpConnection")
            )
            dialog.findChild(QLineEdit, "txtName").setText("苏图")
            dialog.findChild(QLineEdit, "txtUrl").setText(self.url)
            versions = dialog.findChild(QComboBox, "cmbVersion")
            names = [versions.itemText(row) for row in range(versions.count())]
            versions.setCurrentIndex(next(row for row, name in enumerate(names) if "OGC API" in name))
            dialog.resize(560, 640)
            self.turn(0.5)
            self.grab(dialog, "qgis-new-connection")
            dialog.accept()

        def watched() -> None:
            try:
                fill()
            except Exception:
                # Qt would swallow it and wait at the dialog for ever.
                note_fault()
                os._exit(1)

        QTimer.singleShot(1500, watched)
        page.findChild(QPushButton, "btnNew").click()

    def choose(self, page: Any) -> None:
        """Wait for the list of layers, look for ours in it and select it."""
        tree = page.findChild(QTreeView)
        self.wait(lambda: tree.model().rowCount() > 100)
        page.findChild(QLineEdit, "lineFilter").setText("城镇化")
        self.turn(1.0)
        model = tree.model()
        rows = range(model.rowCount())
        names = [[str(model.index(row, at).data()) for at in range(model.columnCount())] for row in rows]
        place = next(row for row, texts in enumerate(names) if LAYER in texts)
        tree.setCurrentIndex(model.index(place, 0))
        tree.scrollTo(model.index(place, 0))
        for column in range(model.columnCount()):
            tree.resizeColumnToContents(column)
        self.turn(0.5)

    def add(self, page: Any) -> None:
        """Press “添加” and wait for the layer."""
        page.addButtonClicked()
        self.wait(lambda: QgsProject.instance().mapLayers())

    def show(self, window: Any) -> None:
        """Colour the layer by its values, wait for the map and grab the main window."""
        layer = next(iter(QgsProject.instance().mapLayers().values()))
        renderer = QgsGraduatedSymbolRenderer("value")
        renderer.setSourceSymbol(QgsSymbol.defaultSymbol(layer.geometryType()))
        renderer.setClassificationMethod(QgsClassificationQuantile())
        renderer.updateClasses(layer, 5)
        renderer.updateColorRamp(_ramp())
        layer.setRenderer(renderer)
        layer.triggerRepaint()
        canvas = self.iface.mapCanvas()
        self.turn(2.0)
        canvas.setDestinationCrs(layer.crs())
        canvas.setExtent(layer.extent())
        canvas.refreshAllLayers()
        self.turn(6.0)
        self.wait(lambda: not canvas.isDrawing())
        self.grab(window, "qgis-map")

    def tiles(self, window: Any) -> None:
        """Put the tiles of the population grid in the place of the layer, by classes of density."""
        project = QgsProject.instance()
        project.removeAllMapLayers()
        layer = QgsVectorTileLayer(f"type=xyz&url={self.url}{TILES}&zmin=5&zmax=12", "苏图人口格网")
        renderer = QgsVectorTileBasicRenderer()
        renderer.setStyles([_class(at) for at in range(len(DENSITIES))])
        layer.setRenderer(renderer)
        project.addMapLayer(layer)
        canvas = self.iface.mapCanvas()
        project.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
        canvas.setExtent(QgsRectangle(12940e3, 3590e3, 13590e3, 4200e3))
        canvas.refreshAllLayers()
        self.turn(8.0)
        self.wait(lambda: not canvas.isDrawing())
        self.grab(window, "qgis-tiles")

    def grab(self, widget: Any, name: str) -> None:
        """Save a picture of a window."""
        self.turn(0.5)
        widget.grab().save(str(self.folder / f"{name}.png"))

    def turn(self, seconds: float) -> None:
        """Let QGIS go on for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.02)

    def wait(self, there: Any) -> Any:
        """Return what ``there`` gives as soon as it gives something."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            found = there()
            if found:
                return found
            self.turn(0.2)
        raise TimeoutError("QGIS 没有走到下一步")

    def window_of(self, kind: str) -> Any:
        """Return the open window of a class."""
        return next(
            (one for one in QApplication.topLevelWidgets() if one.metaObject().className() == kind), None
        )

    def child(self, widget: Any, kind: str) -> Any:
        """Return the part of a window that is of a class."""
        return next(
            (one for one in widget.findChildren(QWidget) if one.metaObject().className() == kind), None
        )


def _class(at: int) -> Any:
    """Return the style of one class of density."""
    low, more = DENSITIES[at], DENSITIES[at + 1 :]
    upper = f' AND "people_per_km2" < {more[0]}' if more else ""
    title = f"{low}–{more[0]} 人/平方公里" if more else f"{low} 人/平方公里以上"
    style = QgsVectorTileBasicRendererStyle(title, "cells", QgsWkbTypes.PolygonGeometry)
    style.setFilterExpression(f'"people_per_km2" >= {low}{upper}')
    colour = _ramp().color(at / (len(DENSITIES) - 1)).name()
    style.setSymbol(QgsFillSymbol.createSimple({"color": colour, "outline_style": "no"}))
    return style


def _ramp() -> Any:
    return QgsGradientColorRamp(QColor("#eff3ff"), QColor("#08519c"))


if __name__ == "__main__":
    if _FOLDER in os.environ:
        inside()
    else:
        sys.exit(main())
