"""Where the Lua scripts and the page lie: in the checkout, or inside the installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def asset_folder(name: str) -> Path:
    """Return the folder `lua` or `web`, in a wheel or in a checkout."""
    packed = _PACKAGE / "_assets" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name
