"""The anytime-valid upper bound on the abandonment rate (pacing.md 5).

For u = 1 - e^-l the product of e^(-l X) / (1 - u p) is a martingale of mean 1; a mixture over
several l passes 1/alpha at any time with a probability of at most alpha (Ville). The bound is
the mean rate at which it stands at 1/alpha: valid at every moment, under any pacing.
"""

from __future__ import annotations

import math

_POINTS = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92)


def upper_bound(*, answers: int, abandoned: int, cap: float, confidence: float) -> float:
    """The rate that the process is below, with this confidence; 1 where nothing can be said."""
    if answers <= 0:
        return 1.0
    least = -math.log(1.0 - confidence)
    low, high = 0.0, 1.0 - 1e-12
    if _log_mixture(answers, abandoned, high, cap) < least:
        return 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _log_mixture(answers, abandoned, middle, cap) >= least:
            high = middle
        else:
            low = middle
    return high


def least_volume(cap: float, confidence: float) -> int:
    """Answers that are needed even with no drop."""
    least = -math.log(1.0 - confidence)
    answers = 1
    while _log_mixture(answers, 0, cap, cap) < least:
        answers *= 2
    low = answers // 2
    while answers - low > 1:
        middle = (low + answers) // 2
        if _log_mixture(middle, 0, cap, cap) >= least:
            answers = middle
        else:
            low = middle
    return answers


def _log_mixture(answers: int, abandoned: int, rate: float, cap: float) -> float:
    logs = []
    for point in _POINTS:
        q = cap * point
        keep = q * (1.0 - cap) / (cap * (1.0 - q))  # e^-l
        logs.append(abandoned * math.log(keep) - answers * math.log1p(-(1.0 - keep) * rate))
    most = max(logs)
    return most + math.log(math.fsum(math.exp(one - most) for one in logs) / len(logs))
