"""The tape of the play that is shown. What counts is why that play fails: whatever is wrong with its tape is said, and changes
nothing."""

from contextlib import ExitStack
from pathlib import Path

from messaging.process.redis import redis_client
from proofs.timeline import Entry
from tests.proofs.models.kept import file_of_this_test, how_to_open, is_shown, tell, this_test
from tests.proofs.models.tape import Tape

# What is told and stands in no log.
TOLD = ("projected", "lost", "overdue", "expired", "stray", "echo", "refused", "operator", "violation")


class Taping:
    """Records into `directory` if this is the play that is shown (and there is a directory); else `on` is False."""

    def __init__(self, directory: Path | None, aliases: tuple[str, ...]) -> None:
        self._directory, self._end = directory, ExitStack()
        self._tape: Tape | None = None
        if directory and is_shown():
            try:
                self._tape = self._end.enter_context(Tape(redis_client(), aliases))
            except Exception as error:
                tell(f"this play cannot be recorded: {error!r}")

    @property
    def on(self) -> bool:
        return self._tape is not None

    def tell(self, told: Entry) -> None:
        if self._tape and told["kind"] in TOLD:
            try:
                self._tape.tell(told)
            except Exception as error:
                tell(f"the recording of this play broke off: {error!r}")
                self._tape = None

    def end(self) -> None:
        """Write the file, and say where it is."""
        try:
            with self._end:
                if self._tape and self._directory:
                    file = file_of_this_test(self._directory)
                    self._tape.write(file, f"counter-example: {this_test()}")
                    tell(how_to_open(file))
        except Exception as error:
            tell(f"this play is not recorded: {error!r}")
