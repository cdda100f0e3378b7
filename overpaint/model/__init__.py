"""The network: our own PyTorch code for Qwen-Image-Edit. Knows tensors and checkpoints; never hears of HTTP, keys or tasks."""
