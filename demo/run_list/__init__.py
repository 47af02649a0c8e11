"""The parts of the page Runs: what is listed, compared, labeled, taken away and deleted."""
