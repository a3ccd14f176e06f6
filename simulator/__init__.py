"""Makes readings, or replays a file of real ones; writes the readings stream."""
