"""Names as databases take them. Whoever writes transactions chooses names: any text, also what is no Unicode."""

from __future__ import annotations

from typing import Final

MARK: Final = "\ufffd:"


def stored(name: str) -> str:
    """Return a name as it is stored: itself, but for what UTF-8 or a database lacks; no two names are stored alike."""
    if name.isascii() and "\0" not in name:
        return name  # nearly all of them
    if "\0" not in name and not name.startswith(MARK):
        try:
            name.encode()
        except UnicodeEncodeError:
            pass
        else:
            return name
    return MARK + name.encode(errors="surrogatepass").hex()


def restored(stored_name: str) -> str:
    """Return the name that is stored so."""
    if not stored_name.startswith(MARK):
        return stored_name
    return bytes.fromhex(stored_name.removeprefix(MARK)).decode(errors="surrogatepass")
