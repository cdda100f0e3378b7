"""The Python SDK: a picture in, a picture out.

python examples/edit.py examples/cat.jpg "make it black and white" edited.jpg
"""

import sys

from overpaint.client import Client

image, prompt, output = sys.argv[1:]
with Client() as client:  # OVERPAINT_URL and OVERPAINT_API_KEY say where and who
    print(client.submit(image, prompt).save(output))
