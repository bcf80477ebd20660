"""Every error this service raises on purpose.

ReadyUpError
├── Rejected               the caller asked for something it may not have  -> 4xx, never retried
│   ├── Invalid                a value is wrong; names the field and the cure        400
│   ├── Unauthorized           no or unknown credentials                            401
│   ├── Forbidden              known, but not for this                              403
│   ├── NotFound               no such thing, or not yours                          404
│   ├── Conflict               it clashes with what is there                        409
│   └── IllegalTransition      the life-cycle has no such step                      409
├── Exhausted              asked rightly, but none is left right now       -> 503 + Retry-After
│   └── Limited                none is left for this caller: too often, too many    429
└── Unreachable            a dependency did not answer in time             -> 503, retry later
    └── StoreUnreachable       Redis refused, timed out, or lost the connection

The three branches answer the only question a caller has: is it me, is it load,
or is it a machine? A broken invariant is none of these; it is an ``assert``.
"""


class ReadyUpError(Exception):
    """Root of the tree above."""

    status = 500


class Rejected(ReadyUpError):
    """The caller must change the request before it can succeed."""

    status = 400


class Invalid(Rejected):
    """A value is wrong. ``field`` is a JSON path such as ``$.players[0].rating``."""

    def __init__(self, detail: str, *, field: str = "$") -> None:
        super().__init__(detail)
        self.field = field


class Unauthorized(Rejected):
    """No credentials, or none that we know."""

    status = 401


class Forbidden(Rejected):
    """Known, but not allowed to do this."""

    status = 403


class NotFound(Rejected):
    """No such thing. It is also what is said of what belongs to somebody else."""

    status = 404


class Conflict(Rejected):
    """It clashes with what is there. ``other`` is the id of what it clashes with."""

    status = 409

    def __init__(self, detail: str, *, other: str = "") -> None:
        super().__init__(detail)
        self.other = other


class IllegalTransition(Rejected):
    """The life-cycle has no such step; the state is unchanged."""

    status = 409


class Exhausted(ReadyUpError):
    """Nothing is wrong except that there is none left."""

    status = 503


class Limited(Exhausted):
    """Too often, or too many at once. ``retry_after_s`` is when the next one may come."""

    status = 429

    def __init__(self, detail: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unreachable(ReadyUpError):
    """A dependency did not answer; the same call may succeed later."""

    status = 503


class StoreUnreachable(Unreachable):
    """Redis refused, timed out, or lost the connection."""
