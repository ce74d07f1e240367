"""Why a generator can't do what it was asked."""

__all__ = ["Failed", "FrozenError", "InvalidConfig"]


class InvalidConfig(Exception):
    """Raise it in `channels` or `open` where the configuration is valid against its schema and still makes
    no sense. Says why, for the person who wrote it."""


class Failed(Exception):
    """Raise it where the generator can't go on. Says why. Any other exception becomes one, with its place."""


class FrozenError(RuntimeError):
    """Something that a component doesn't have was asked for: a clock, entropy, a file."""
