"""The style sheet of the cut fonts, read back."""

import re


def parse_faces(css: str) -> list[tuple[str, set[int]]]:
    """Return (file, code points) of every face a style sheet of `prepare_fonts` declares."""
    faces = []
    for file, ranges in re.findall(r'url\("([^"]+)"\).*?unicode-range: ([^;]+);', css):
        codes: set[int] = set()
        for part in ranges.split(","):
            low, _, high = part.removeprefix("U+").partition("-")
            codes.update(range(int(low, 16), int(high or low, 16) + 1))
        faces.append((file, codes))
    return faces
