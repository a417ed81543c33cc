"""Plain values, errors and settings that every other folder speaks in; no input or output lives here."""

__version__ = "0.1.0"
"""Of the program. The package takes its own from here: asking what is installed costs a run as much as twenty polls."""
