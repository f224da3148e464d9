"""Store, registry, facts, and the doors through which files come in; knows nothing of the screen."""
