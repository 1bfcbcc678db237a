"""Programs that are started from outside and that no module imports."""
