"""Networks: what they are made of, and their equations."""
