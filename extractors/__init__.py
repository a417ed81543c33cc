"""From an address to a Document: the HTTP client, feeds, pages, language; no rules and no database."""
