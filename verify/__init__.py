"""A second account of the readings, in exact integers, and how far the statistics agree with it."""
