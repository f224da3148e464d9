"""Who may go along a way, asked the slow way: one mode, one direction, one trip, tables of its own."""

YES = {
    *("yes", "designated", "permissive", "permit", "destination", "customers", "official", "public"),
    *("discouraged", "dismount", "optional_sidepath"),
}
NO = {"no", "private", "agricultural", "forestry", "delivery", "emergency", "military", "use_sidepath"}
LADDERS = {
    "walk": ("foot", "access"),
    "ebike": ("electric_bicycle", "bicycle", "vehicle", "access"),
    "drive": ("motorcar", "motor_vehicle", "vehicle", "access"),
}
NAMED = {
    "walk": {"foot"},
    "ebike": {"electric_bicycle", "bicycle"},
    "drive": {"motorcar", "motor_vehicle"},
}
NOT_BY_CLASS = {
    "walk": {"motorway", "motorway_link"},
    "ebike": {"motorway", "motorway_link", "road", "steps", "bridleway"},
    "drive": {"road", "pedestrian", "footway", "path", "steps", "cycleway", "bridleway"},
}
BOARDS_WITH = {
    "walk": set(),
    "ebike": {"vehicle", "motor_vehicle", "motorcar"},
    "drive": {"vehicle"},
}
CAR_FERRY = {
    *("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "service"),
}


def says(tags, key, direction):
    """Return "yes", "no" or None: what a key says of a direction ("forward", "backward")."""
    for name in (key + ":" + direction, key):
        value = tags.get(name, "").split(";")[0].strip()
        if value in YES:
            return "yes"
        if value in NO:
            return "no"
    return None


def ladder(tags, mode, direction):
    """Return (key, word) of the first rung that says anything, (None, None) where none does."""
    for key in LADDERS[mode]:
        word = says(tags, key, direction)
        if word is not None:
            return key, word
    return None, None


def may_go(tags, mode, direction):
    """Return whether a trip by a mode may go along a way in a direction, one-way rules included."""
    if mode == "drive" and against_the_flow(tags, direction):
        return False
    key, word = ladder(tags, mode, direction)
    if word == "no" or (word == "yes" and key in NAMED[mode]):
        return word == "yes"
    if tags.get("route") == "ferry":
        return mode == "walk" or boards(tags, mode, direction)
    if tags.get("motorroad") == "yes" and mode != "drive":
        return False
    return tags["highway"] not in NOT_BY_CLASS[mode]


def boards(tags, mode, direction):
    """Return whether a ferry takes a mode on board that no tag of its own lets or keeps off."""
    if any(says(tags, other, direction) == "yes" for other in BOARDS_WITH[mode]):
        return True
    return tags.get("ferry") in CAR_FERRY or tags.get("highway") in CAR_FERRY


def against_the_flow(tags, direction):
    """Return whether a car going in a direction goes against a one-way road."""
    flow = "both"
    if tags.get("highway") == "motorway" or tags.get("junction") in {"roundabout", "circular"}:
        flow = "forward"
    for key in ("oneway", "oneway:access", "oneway:vehicle", "oneway:motor_vehicle", "oneway:motorcar"):
        value = tags.get(key)
        if value in {"yes", "true", "1"}:
            flow = "forward"
        elif value in {"-1", "reverse"}:
            flow = "backward"
        elif value in {"no", "false", "0", "reversible", "alternating"}:
            flow = "both"
    return flow not in ("both", direction)
