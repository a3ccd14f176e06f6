"""Drives the Lua fold, and holds everything that reads or merges its state."""
