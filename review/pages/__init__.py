"""The desk's pages, one file a subject; each reads the store, works out what to show and hands it to a template."""
