"""Assumption 4.1: what the ways to violate it are called."""

NONE, DUPLICATE, NEGATED = "none", "duplicate", "negated"
NEGATED_PAIRS, ORTHOGONAL, EQUAL = "two negated pairs", "orthogonal", "equal"
