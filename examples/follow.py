"""The Python SDK: an edit outlives the program that asked for it.

python examples/follow.py examples/astronaut.jpg 变成黑白照片 edited.png
"""

import sys

from overpaint.client import Client, EditStatus

image, prompt, output = sys.argv[1:]
with Client() as client:
    task_id = client.submit(image, prompt, seed=7, output_format="png").id
print(task_id)  # all that has to be kept


def show(now: EditStatus) -> None:
    print(f"{now.status}: step {now.step} of {now.steps}, about {now.eta_seconds} s left", file=sys.stderr)


with Client() as client:  # another program, another day
    picture = client.task(task_id).wait(timeout=600, watch=show)
print(picture.save(output), "seed", picture.seed)
