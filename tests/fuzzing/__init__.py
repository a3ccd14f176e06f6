"""Coverage-guided fuzzing of what parses other people's bytes, beside the real server."""
