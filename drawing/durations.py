"""Durations as a person reads them."""


def lasting(seconds: float, digits: int = 1) -> str:
    """433 ms, 70.6 s, 59 min. `digits`: of the seconds."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.{digits}f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
