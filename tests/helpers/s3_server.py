"""An S3 server on the loopback, for the tests of remotes and of datasets in buckets."""

import importlib.util
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[str]:
    """Yield the address of a server that holds an empty bucket; the environment says who may read it."""
    lacking = [name for name in ("moto", "flask", "dvc_s3") if importlib.util.find_spec(name) is None]
    if lacking:
        # 170 MB of libraries, so requirements.txt leaves them out; the job `remotes` of the workflow installs them.
        pytest.skip(f"{', '.join(lacking)} not installed (pip install -r tests/requirements-s3.txt)")
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    yield endpoint
    server.stop()
