"""Whole files, tables and checksums, and errors of files in words."""
