"""Models that others trained, read from files and traced under the zoo's own names."""
