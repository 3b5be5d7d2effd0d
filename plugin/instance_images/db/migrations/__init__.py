"""The one history of the schema, for the tables of all parts."""
