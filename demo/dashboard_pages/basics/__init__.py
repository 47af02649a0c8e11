"""The page Basics of the dashboard."""
