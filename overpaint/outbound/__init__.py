"""The way out: requests to addresses that strangers named."""
