"""Which keys open the player API, by the settings: development keys, back ends, issuers."""

from collections.abc import Mapping

from core.clock import Clock
from core.errors import Invalid
from matchmaker.api.keys import BACKEND_PREFIX, DEV_PREFIX, BackendKeys, DevKeys, KeyRing, Keys
from readyup.settings import ApiSettings


def players_keys(api: ApiSettings, clock: Clock, *, environ: Mapping[str, str]) -> KeyRing:
    """The keys that count.

    Raises:
        Invalid: none would, or development keys would beyond this machine.
    """
    kinds: dict[str, Keys] = {}
    if api.dev_keys:
        kinds[DEV_PREFIX] = DevKeys(api.host, environ=environ)
    if api.backends:
        kinds[BACKEND_PREFIX] = BackendKeys(api.backends)
    if api.issuers:
        from matchmaker.api.jwt_keys import JwtKeys

        kinds[""] = JwtKeys(api.issuers, clock)
    if not kinds:
        raise Invalid(
            "no key would open the player API: write [[api.issuers]] or [[api.backends]], "
            "or dev_keys = true under [api] on a laptop",
            field="$.api",
        )
    return KeyRing(kinds)
