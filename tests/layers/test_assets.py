"""Assets: they exist, they are ours, and their addresses change with their content."""

from __future__ import annotations

import re

import pytest

from layers.assets import leaflet_folder, leaflet_url, own_folder, own_url

OWN = sorted(path.name for path in own_folder().iterdir())


def test_leaflet_is_the_version_the_design_names() -> None:
    head = (leaflet_folder() / "leaflet.js").read_text(encoding="utf-8")[:200]
    assert "Leaflet 1.9.4" in head
    assert leaflet_url("leaflet.js").startswith("/assets/leaflet/leaflet.js?v=1.9.4")


@pytest.mark.parametrize("name", OWN)
def test_an_asset_names_no_other_host(name: str) -> None:
    text = (own_folder() / name).read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\"'\s)]+)", text))
    assert hosts <= {"www.w3.org"}, "the name space of SVG is a name, nothing is fetched from it"


def test_addresses_carry_the_digest_of_the_content() -> None:
    assert re.fullmatch(r"/assets/own/map\.js\?v=[0-9a-f]{12}", own_url("map.js"))
    with pytest.raises(FileNotFoundError):
        own_url("missing.js")


@pytest.mark.parametrize("name", [name for name in OWN if name.endswith(".svg")])
def test_images_hold_outlines_instead_of_texts(name: str) -> None:
    """A text in an image would be set in whatever font the machine has: in boxes, if it has none."""
    assert "<text" not in (own_folder() / name).read_text(encoding="utf-8")
