"""How tensors, elements and partials are written, in formulas and in code."""
