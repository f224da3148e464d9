"""What stands in the tables of a store, in short."""

import hashlib

import duckdb

from data.store.schema import TABLES


def tables_digest(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the sha256 (hex) of each table's rows in stored order.

    Two builds of the same inputs give equal digests. ``meta`` holds the time of the build and is left out.
    """
    digests = {}
    for name in TABLES:
        if name == "meta":
            continue
        digest = hashlib.sha256()
        cursor = connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid')
        while rows := cursor.fetchmany(10_000):
            digest.update("".join(map(repr, rows)).encode())
        digests[name] = digest.hexdigest()
    return digests
