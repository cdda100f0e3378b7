"""Pictures as bytes and as pixels, and fetching them. Knows nothing of tasks, owners or HTTP routes."""
