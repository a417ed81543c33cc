"""Migrations of the schema, run by ``open_store``; the tables as they are now live in ``storage.schema``."""
