"""A small bookshop: the demo of Boltguard."""
