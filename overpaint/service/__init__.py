"""The rules of an edit's life: who may ask, what may be asked, where the answer is. Knows no wire shape and no SQL."""
