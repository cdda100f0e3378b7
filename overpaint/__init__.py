"""Overpaint: a self-hosted service for Qwen-Image-Edit. `from overpaint.client import Client` talks to one."""

__version__ = "0.1.0"
