"""The error of the intake."""


class IntakeError(ValueError):
    """A file or table that cannot be taken in; the message says what, where and what to do."""
