"""The peer without a queue: LitServe answers when the model has, and keeps nothing.

The model here only decodes base64 and says an id, so what is measured is the server.
"""

import sys
import uuid

import litserve
import pybase64


class Echo(litserve.LitAPI):
    """Takes the same body that Overpaint gets."""

    def setup(self, device: str) -> None:
        """There is nothing to load."""

    def decode_request(self, request):  # without types, as in its documentation: it reads them as FastAPI would
        return pybase64.b64decode(request["image"], validate=True)

    def predict(self, x: bytes) -> str:
        return str(uuid.uuid4())

    def encode_response(self, output: str) -> dict[str, str]:
        return {"task_id": output}


if __name__ == "__main__":
    server = litserve.LitServer(Echo(api_path="/submit"), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
