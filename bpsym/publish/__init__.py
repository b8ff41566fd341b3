"""Whole files or none: what bpsym writes, what it knows to have written, and TeX."""
