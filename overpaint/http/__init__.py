"""The asking side's front door: dialects, operations, picture links. Never imports torch, the model or a worker."""
