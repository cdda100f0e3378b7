"""Scenes we render ourselves, layer by layer, over photographs: what semantic and text edits are learnt from.

`words` is what can be named, `fonts` what it is written with, `scene` what a picture is made of, `weather` what may
fall on it, `plans` which edits there are, `asking` how they are asked for, `feed` batches of them. Data and pixel
arithmetic alone: no networks. `rivals`, `reader` and `score` judge a checkpoint by them. Nothing of it is reachable
from the served path.
"""
