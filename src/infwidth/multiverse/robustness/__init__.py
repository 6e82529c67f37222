"""What the outcomes of all worlds come to: shares, what they hang on, Table 1 with verdicts.

`shares` and `contrasts` make robustness.csv, `factors` and `trees` factors.csv and models.csv,
`summary` the table of a reader and the sentence to quote.
"""
