"""What the simulator, the processor and the API share: settings, key names, connections, CLI."""

__version__ = "0.1.0"
