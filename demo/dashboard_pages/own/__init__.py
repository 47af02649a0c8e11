"""The page "Your own classes"."""
