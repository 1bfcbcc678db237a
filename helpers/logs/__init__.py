"""From the bytes of the flight logs to a timeline."""
