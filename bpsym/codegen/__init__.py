"""Program to source text, one target each."""
