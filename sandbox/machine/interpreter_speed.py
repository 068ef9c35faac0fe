"""`<python> sandbox/machine/interpreter_speed.py`: microseconds that this interpreter takes for calls, strings, dictionaries.

The best of several, so that other load on the machine matters little. See venv.sh.
"""

import timeit

TIMES = 7


class Seat:
    def __init__(self, number: int) -> None:
        self.number = number

    def label(self, row: str) -> str:
        return f"{row}-{self.number}"


def work() -> list[str]:
    seats: dict[str, int] = {}
    for number in range(20_000):
        label = Seat(number % 500).label("A")
        seats[label] = seats.get(label, 0) + 1
    return sorted(seats)


if __name__ == "__main__":
    print(round(min(timeit.repeat(work, number=1, repeat=TIMES)) * 1e6))
