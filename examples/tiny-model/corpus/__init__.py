"""The corpus of the bundled model, made from nothing but these files and a seed."""
