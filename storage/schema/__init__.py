"""The tables, split by subject; only their shape lives here, the functions are one file a subject in ``storage``.

Nothing is imported here: a run needs half of the tables, and each costs a third of a millisecond to describe.
"""

# Migrations in order; the last is what this program needs. A test compares them with the scripts in storage/migrations.
REVISIONS = ("0001", "0002", "0003")
