"""Which documents deserve a person: an engine that knows no country, and a folder of data that does."""
