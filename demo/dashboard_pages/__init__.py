"""The dashboard's pages: each is a folder here and one line of this table, in the order of the menu."""

PAGES = {  # folder -> title; the address is the title in lower case, "/" for the first page
    "train": "Train",
    "live": "Live",
    "mixing": "Mixing",
    "runs": "Runs",
    "understand": "Understand",
    "try_network": "Try",
    "results": "Results",
    "learn": "Learn",
    "basics": "Basics",
}
