"""A stress run: real processes, killed, cut off and starved, and an exact account at the end."""
