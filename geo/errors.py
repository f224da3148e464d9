"""The errors of the house: each is also a built-in, and says what is wrong, where, and what to do."""


class SutuError(Exception):
    """Base of every error this project raises on purpose; the message is meant for its users (Chinese)."""


class DatumError(SutuError, ValueError):
    """A datum is unknown, missing, or contradicts the coordinates that claim it."""


class CrsError(SutuError, ValueError):
    """A frame has no CRS, or one that the function cannot measure in."""


class GeometryError(SutuError, ValueError):
    """A geometry is invalid, empty, or does not tile its parent."""


class UnknownRegionError(SutuError, KeyError):
    """An adcode names no region of the store."""

    def __str__(self) -> str:
        """Return the message itself: ``KeyError`` would quote it."""
        return str(self.args[0]) if self.args else ""


class UnknownIndicatorError(SutuError, KeyError):
    """An indicator id is not in the registry or the store."""

    def __str__(self) -> str:
        """Return the message itself: ``KeyError`` would quote it."""
        return str(self.args[0]) if self.args else ""


class RegistryError(SutuError, ValueError):
    """A registry file is faulty; the message names file, entry and field."""


class StoreError(SutuError, RuntimeError):
    """The store is missing, unreadable, or of another schema version."""


class DiskError(StoreError, OSError):
    """The disk refused: no room left, no permission, read-only, broken; what was there before is unharmed."""


class DataFaultError(SutuError, ValueError):
    """A person's file has faults; carries all of them (see ``data.faults``)."""


class NetworkError(SutuError, ValueError):
    """A road network is empty, lies elsewhere, or cannot be routed."""


class NoRoadError(NetworkError):
    """A network has no road that the mode can use: for that mode it is no network."""


class CoverageError(SutuError, ValueError):
    """A coverage question has no answer as put: no facility, no cell, an impossible threshold."""


class CatchmentError(SutuError, ValueError):
    """Supply and demand cannot be set against each other as put: no supply, no demand, a bad decay."""


class StandardError(SutuError, ValueError):
    """A standard cannot be applied as put: an unknown one, a population that is missing, a bad year."""


class NoFacilityError(CoverageError):
    """There is no facility of the types asked for: what is measured to them is undefined, not zero."""


class CircleError(SutuError, ValueError):
    """A question on life circles has no answer as put: an unknown service, a place outside the region."""


class SitingError(SutuError, ValueError):
    """A siting question has no answer as put: too few candidates, a site outside, an impossible budget."""


class DownloadError(SutuError, OSError):
    """A file could not be fetched whole: wrong address, refused, cut off, too large, or of wrong content."""


class UnpackError(SutuError, OSError):
    """An archive could not be unpacked for want of room or rights, whatever is in it."""


class ReaderBusyError(SutuError, RuntimeError):
    """Too many files wait to be read already."""


class ReaderStoppedError(SutuError, RuntimeError):
    """The reading of a file was called off before its end."""


class ScaleError(SutuError, RuntimeError):
    """A distributed run cannot start, or its workers gave up."""


class PopulationError(SutuError, ValueError):
    """A population grid cannot be made from these counties, counts or pattern."""


class CompositeError(SutuError, ValueError):
    """A composite index cannot be made as asked: no component, weights that do not sum, an unknown method."""


class CompareError(SutuError, ValueError):
    """Regions cannot be compared: none given, too many, or of different levels."""


class DisparityError(SutuError, ValueError):
    """Values, weights or groups that no measure of inequality can take: other lengths, negative weights."""


class CorridorError(SutuError, ValueError):
    """A corridor cannot be drawn or measured: too few places, coordinates elsewhere, no geometry."""


class ExportError(SutuError, ValueError):
    """A layer cannot be exported as asked: unknown layer, format, CRS or setting, or a value a format cannot
    hold.
    """


class ExportWriteError(ExportError, OSError):
    """An export could not be written: disk full, no permission, no such folder."""


class PublicationError(ExportError):
    """An export for publication lacks what the rules on maps ask for."""
