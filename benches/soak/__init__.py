"""`cargo xtask soak`: a load and fault test of revocation across the processes of a site."""
