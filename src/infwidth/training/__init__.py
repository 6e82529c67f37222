"""Gradient descent, and the record of what it did."""
