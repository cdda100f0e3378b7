"""The novita-client package, with nothing changed but the base URL.

python examples/novita.py examples/cat.jpg "make it black and white" edited.png
"""

import base64
import os
import sys
from pathlib import Path

from novita_client import NovitaClient

image, prompt, output = sys.argv[1:]
client = NovitaClient(
    os.environ["OVERPAINT_API_KEY"], base_url=os.environ.get("OVERPAINT_URL", "http://127.0.0.1:8000")
)

picture = base64.b64encode(Path(image).read_bytes()).decode()
task = client._post("/v3/async/qwen-image-edit", {"prompt": prompt, "image": picture, "output_format": "png"})
result = client.wait_for_task_v3(task["task_id"])
result.download_images()
Path(output).write_bytes(base64.b64decode(result.images_encoded[0]))
print(output)
