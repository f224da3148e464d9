"""Settings of the property tests of this room."""

from hypothesis import settings

# How long one example takes depends on who else uses the machine; no test judges by the clock.
settings.register_profile("layers", deadline=None)
settings.load_profile("layers")
