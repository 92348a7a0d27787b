"""The ways in which work ends early."""


class ModelError(Exception):
    """The models cannot be used; the message is one line that names the file or tensor at fault."""


class Stopped(Exception):
    """Work was given up because the process is ending."""


class DeadlineExceeded(Exception):
    """A slot was not finished within the time its request gave."""
