"""Published pieces: known by their content, bounded in size, and nothing else can be asked for."""

from __future__ import annotations

import gzip

import pytest

from layers.published import Publisher


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
