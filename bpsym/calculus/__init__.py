"""Index equations and their derivatives: the part of bpsym that knows nothing of networks."""
