"""What the notebooks import. Every spawned child imports this file too, so it stays empty."""
