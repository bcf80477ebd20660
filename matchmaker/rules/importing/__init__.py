"""Other matchmakers' rules, written as FlexMatch rule sets."""

import re
from typing import Literal

from core.errors import Invalid
from matchmaker.rules import jsonc
from matchmaker.rules.importing.draft import Draft


def imported(text: str, source: Literal["playfab", "unity"]) -> Draft:
    """The rule set that a text of PlayFab's or Unity's says, and what it could not say.

    Raises:
        Invalid: the text holds no such rules.
    """
    # Drafts are used elsewhere too, by those who have no need of either.
    from matchmaker.rules.importing import playfab, unity

    if re.match(r'\ufeff?\s*"', text):
        text = f"{{{text}}}"  # as documentation quotes it: a property without its object
    document = jsonc.read(text)
    try:
        return playfab.imported(document) if source == "playfab" else unity.imported(document)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise Invalid(f"is not as {source} writes it: {wrong!r}", field="$") from wrong
