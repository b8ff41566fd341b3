"""The training loop around a generated trainer's own functions: progress, save and resume, log, plot."""
