"""Plain values, errors and settings that every other folder speaks in; no input or output lives here."""
