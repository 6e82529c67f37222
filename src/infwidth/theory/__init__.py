"""The paper's statements about the n = ∞ network, checked one by one; a module each.

Every module computes a table (a CSV file under `paper/<experiment>/theory/`) and, from that table
alone, its findings.
"""
