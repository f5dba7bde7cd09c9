"""The textbook maths, once: attention and positions."""
