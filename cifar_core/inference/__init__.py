"""From pictures to predictions: the classifier and what it runs on."""
