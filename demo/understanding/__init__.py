"""The parts of the page Understand, a module each, and what they share: pictures, answers, a gallery."""
