"""The life of a record: everything that is true whatever stores it and whoever shows it."""
