"""Assets: they exist, they are ours, and their addresses change with their content."""

from __future__ import annotations

import gzip
import re

import pytest

from layers.assets import Publisher, leaflet_folder, leaflet_url, own_folder, own_url

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


def _name(address: str) -> str:
    return address.rpartition("/")[2]


def test_equal_content_has_one_address_and_comes_back_whole() -> None:
    publisher = Publisher()
    address = publisher.publish(b'{"a": 1}')
    assert publisher.publish(b'{"a": 1}') == address
    assert publisher.publish(b'{"a": 2}') != address
    piece = publisher.get(_name(address))
    assert piece is not None
    assert piece.encoding == "gzip"
    assert gzip.decompress(piece.content) == b'{"a": 1}'


def test_images_are_kept_as_they_are() -> None:
    publisher = Publisher()
    piece = publisher.get(_name(publisher.publish(b"\x89PNG", "png")))
    assert piece is not None
    assert (piece.content, piece.media_type, piece.encoding) == (b"\x89PNG", "image/png", None)


@pytest.mark.parametrize("name", ["", "../app.py", "0" * 24, "0" * 24 + ".html", "g" * 24 + ".json"])
def test_nothing_else_can_be_asked_for(name: str) -> None:
    assert Publisher().get(name) is None


def test_the_pieces_unused_for_longest_go_when_there_is_no_room() -> None:
    publisher = Publisher(limit_bytes=250)
    first, second = (publisher.publish(bytes([number]) * 100, "png") for number in (1, 2))
    assert publisher.get(_name(first)) is not None
    third = publisher.publish(b"3" * 100, "png")
    assert publisher.get(_name(second)) is None
    assert publisher.get(_name(first)) is not None
    assert publisher.get(_name(third)) is not None
