"""What a number is that was chosen for speed or calm and could be chosen otherwise: its unit marks it as a tuning constant.

    LULL_S: Seconds = 0.3  # without an entry; ... Gained: ...

docs/tuning.md lists every constant with one of these units (`make tuning`). A number without one is part of a contract, a limit
that people are promised, or a length on a page.
"""

from typing import TypeAlias

Seconds: TypeAlias = float
WholeSeconds: TypeAlias = int
Milliseconds: TypeAlias = int
PerSecond: TypeAlias = int
Count: TypeAlias = int
"""Of what the constant's text names."""
Bytes: TypeAlias = int
Times: TypeAlias = float
"""A factor, or a part of the time."""
