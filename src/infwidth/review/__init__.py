"""Review of committed results: everything that is made from measurements, made again and compared.

No training, no GPU and no data set takes part. `python -m infwidth.review paper/*` does it by hand.
"""

from infwidth.review.reviewing import Outcome, review
from infwidth.review.showing import shown, summary

__all__ = ["Outcome", "review", "shown", "summary"]
