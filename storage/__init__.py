"""The only package that knows SQL: schema, migrations and one file of functions a subject."""
