"""What the outcomes of all worlds come to: shares, what they hang on, Table 1 with verdicts.

`shares` writes robustness.csv, `factors` factors.csv and, with `trees`, models.csv, and `summary`
the table of a reader and the sentence to quote.
"""
