"""Everything that made the `mini` checkpoint: data, tokenizer, autoencoder, editor, export, score.

Training imports `overpaint.model`; nothing in `overpaint` imports training.
"""
