"""No server: the network in your own program. Needs `pip install 'overpaint[server]'`.

python examples/in_process.py examples/cat.jpg "make it black and white" edited.png
"""

import sys

from PIL import Image

from overpaint.model import Step, load_editor

image, prompt, output = sys.argv[1:]
editor = load_editor("mini")
for made in editor.edit([Image.open(image).convert("RGB")], prompt, seed=7):
    if isinstance(made, Step):
        print(f"step {made.index} of {made.total}", file=sys.stderr)
    else:
        made.image.save(output)
print(output)
