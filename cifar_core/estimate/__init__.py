"""How long a training takes on this machine."""
