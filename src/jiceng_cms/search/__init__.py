"""The search: engine interface, analysis of Chinese text, the Whoosh engine, highlighting, indexer."""
