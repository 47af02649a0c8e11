"""A campaign of faults against the real program; `python -m tests.tools.campaign --help` says which."""
