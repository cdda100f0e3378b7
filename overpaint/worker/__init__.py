"""Making: the loop that edits, and the supervisor that keeps its processes alive. Knows store and model, no HTTP."""
