"""Declarative workflows: definitions from files, runs of records, the engine between them."""
