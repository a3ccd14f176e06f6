"""FastAPI: REST, the SSE relay, ingest, health and metrics; serves the page."""
