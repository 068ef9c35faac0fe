"""The orchestrator's attempts, deadlines and backoff. Nothing else retries commands.

The jitter that keeps a thousand sagas from retrying in the same instant comes from a hash, not from random numbers: the
same saga waits equally long in every run and every replay.
"""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The policy for one kind of action. Times in seconds; they double with each attempt, up to `cap`."""

    attempts: int
    deadline: float = 3.0  # for the answer to the first attempt
    backoff: float = 0.5  # before the second attempt, if the first was refused although it must succeed
    cap: float = 30.0
    jitter: float = 0.2  # up to this fraction of the time is added

    def wait_for_answer(self, saga_id: str, step: str, attempt: int) -> float:
        """How long attempt number `attempt` (from 1) may go unanswered."""
        return self._stretched(self.deadline, saga_id, step, attempt)

    def wait_to_retry(self, saga_id: str, step: str, attempt: int) -> float:
        """How long to wait after a participant has refused attempt number `attempt`."""
        return self._stretched(self.backoff, saga_id, step, attempt)

    def _stretched(self, base: float, saga_id: str, step: str, attempt: int) -> float:
        doubled = min(base * 2.0 ** min(attempt - 1, 30), self.cap)
        return round(doubled * (1 + self.jitter * _unit(f"{saga_id}/{step}/{attempt}")), 3)


def _unit(text: str) -> float:
    """A number in [0, 1) that is always the same for the same text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) / 2**32


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """One policy for each kind of action. An action that can be turned back has few attempts; one that must succeed has
    many."""

    compensatable: Policy = Policy(attempts=4)
    pivot: Policy = Policy(attempts=2)  # then it is fenced, which answers the question
    retriable: Policy = Policy(attempts=8)
    compensation: Policy = Policy(attempts=8)
    fence: Policy = Policy(attempts=8)
