"""One file, one plugin. Files here are found by the registry; they never import each other."""
