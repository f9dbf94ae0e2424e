"""The chaos run: everything that may fail does, by a schedule that follows from a seed, and exactly one outcome is left."""
