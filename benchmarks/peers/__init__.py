"""The services that Overpaint is measured beside, each as its own documentation shows it."""
