"""What `manage.py boltguard_doctor` examines: the stores, sessions, keys and API keys in use, on the real servers."""
