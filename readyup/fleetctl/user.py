"""Who gives a command: for the audit, where no token says it."""

import getpass
import os


def user() -> str:
    """The name of this process' user; the number of one without a name, as in our images.

    >>> bool(user())
    True
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # which of the two depends on Python's version
        return f"uid-{os.getuid()}"
