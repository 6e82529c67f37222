"""What measuring and judging have in common: names in the tables, bounds that both go by.

A module each, for those checks whose table is computed with PyTorch or sympy, which take longer to
import than judging takes.
"""
