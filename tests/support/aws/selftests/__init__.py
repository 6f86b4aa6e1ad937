"""The stand-in's own tests, a file a subject."""
