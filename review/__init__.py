"""Where a person decides: a web page."""
