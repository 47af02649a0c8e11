"""The dashboard's pages: each is a folder here and one line of this table, in the order of the menu."""

NAME = "CIFAR-10 Lab"
GROUPS = {  # heading in the menu -> folder -> title; the first page stands by itself
    "": {"start": NAME},
    "Train": {"train": "Train", "own": "Your own classes", "live": "Live", "runs": "Runs"},
    "Look inside": {"try_network": "Try", "mixing": "Mixing", "understand": "Understand"},
    "Learn": {"learn": "Learn", "basics": "Basics", "results": "Results"},
}
PAGES = {folder: title for group in GROUPS.values() for folder, title in group.items()}


def address_of(folder: str) -> str:
    """The page's place in the address: its title in lower case, nothing for the start."""
    return "" if folder == "start" else PAGES[folder].lower().replace(" ", "-")
