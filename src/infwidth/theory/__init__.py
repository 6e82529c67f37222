"""The paper's statements about the n = ∞ network, checked one by one; a module each.

Every module computes a table (a CSV file under `paper/<experiment>/theory/`). What it comes to is
judged from the table alone, by the module of the same name in `findings`, which needs nothing that
trains or does algebra; names and bounds that both sides go by are in `terms`. So a judgement can
change without a table being computed again.
"""
