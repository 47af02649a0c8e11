"""The operators that blocks compute with, in the forms that are quick on a CPU."""
