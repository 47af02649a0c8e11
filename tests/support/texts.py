"""What a text must name, whatever its wording."""


def says(text: str, *parts: str) -> bool:
    """True when each of the parts stands in the text, in this order."""
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True
