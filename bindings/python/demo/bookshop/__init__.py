"""A small bookshop that lets some people in and others not: the demo of Boltguard."""
