"""The page that the dashboard opens with."""
