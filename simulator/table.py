"""A CSV file, read row by row: its columns by name, and how far it has been read."""

import codecs
import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rillet.errors import UserError

DELIMITERS = ",;\t"
"""What may separate cells; the one that the first line has most of does."""

LINE_MAX = 1_000_000
"""Characters of the first line that are read: a file without line ends must not fill memory."""


class Table:
    """The open file, as a context manager. The first line names the columns.

    Only a buffer's worth is in memory, whatever the size of the file.
    """

    def __init__(self, path: Path, encoding: str = "utf-8-sig") -> None:
        self.path = path
        try:
            codecs.lookup(encoding)
            self._bytes = path.open("rb")
        except LookupError:
            raise UserError(f"There is no encoding {encoding!r}; try utf-8 or latin-1.") from None
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from None
        self.size_bytes = os.fstat(self._bytes.fileno()).st_size
        self._file = io.TextIOWrapper(self._bytes, encoding=encoding, newline="")
        try:
            self.columns = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _read_header(self) -> list[str]:
        with self._readable():
            first = self._file.readline(LINE_MAX)
        if "\0" in first:
            raise UserError(f"{self.path} is not a text file.")
        if not first.strip():
            raise UserError(f"{self.path} is empty: its first line must name the columns.")
        self._delimiter = max(DELIMITERS, key=first.count)
        try:
            names = next(csv.reader([first], delimiter=self._delimiter))
        except csv.Error as error:
            raise UserError(f"{self.path}: its first line cannot be read: {error}.") from None
        return [name.strip() for name in names]

    @property
    def read_bytes(self) -> int:
        """How much of the file has been read so far."""
        return self.size_bytes and self._bytes.tell()  # a pipe cannot tell

    def index(self, column: str) -> int:
        """Return the position of a column; raise UserError naming those there are."""
        if self.columns.count(column) == 1:
            return self.columns.index(column)
        wrong = "has no" if column not in self.columns else "has more than one"
        shown = ", ".join(name for name in self.columns if name)
        raise UserError(f"{self.path} {wrong} column {column!r}; its columns are: {shown}.")

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row that is not blank; raise UserError where it is not CSV."""
        reader = csv.reader(self._file, delimiter=self._delimiter)
        with self._readable():
            try:
                yield from filter(None, reader)
            except csv.Error as error:
                raise UserError(
                    f"{self.path} is not CSV in line {reader.line_num + 1}: {error}."
                ) from None

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn the ways in which a file's bytes can be no text into one UserError."""
        try:
            yield
        except UnicodeError:
            raise UserError(
                f"{self.path} is not {self._file.encoding.removesuffix('-sig').upper()} text; "
                "give --encoding, such as latin-1, if it is text of another kind."
            ) from None
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}.") from None
