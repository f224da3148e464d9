"""The region tree the slow way: rows looked through one by one, never by what a code tells."""


def _row(rows, code):
    found = [row for row in rows if row["adcode"] == code]
    return found[0] if found else None


def ancestor(rows, code, level):
    """Return the region of ``level`` that ``code`` is or lies in, None when there is none."""
    row = _row(rows, code)
    if row is None:
        return None
    return code if row["level"] == level else ancestor(rows, row["parent"], level)


def above(rows, code):
    """Return the regions above ``code``, the nearest first."""
    parent = _row(rows, code)["parent"]
    return [] if _row(rows, parent) is None else [parent, *above(rows, parent)]


def descendants(rows, code):
    """Return the set of a region and all below it, from the top down."""
    below = [row["adcode"] for row in rows if row["parent"] == code]
    return {code}.union(*(descendants(rows, one) for one in below))
