"""A change of a setting as the audit tells it: what it was and what it is, and no secret."""

from gateway.settings.catalogue import SettingDescription, text_of

HIDDEN = "•••"


def told_change(description: SettingDescription, old: object, new: object) -> dict[str, object]:
    """The detail of an entry of the audit."""
    if description.about.secret:
        return {"from": HIDDEN if old else "", "to": HIDDEN if new else ""}
    return {"from": text_of(old), "to": text_of(new)}
