"""The parts of the page Mixing: which network, which picture, which mix, and how each is shown."""
