"""The domain: what communities and villages owe their residents, a package each."""
