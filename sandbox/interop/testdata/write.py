"""Writes objects with each checksum algorithm, whole and in parts, and prints
the SHA-256 of each as JSON."""
import hashlib
import io
import json
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig

task = json.load(sys.stdin)
s3 = boto3.client("s3", endpoint_url=os.environ["HAUL_ENDPOINT"])
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
digests = {}
for size in (0, 1000, (11 << 20) + 7):
    body = os.urandom(size)
    for algorithm in ("CRC32", "CRC32C", "SHA1", "SHA256"):
        if algorithm == "CRC32C":
            try:
                import awscrt  # noqa: F401 - botocore computes CRC32C with it only
            except ImportError:
                continue
        put = "boto3/put-%s-%d" % (algorithm, size)
        s3.put_object(Bucket=task["bucket"], Key=put, Body=body, ChecksumAlgorithm=algorithm)
        upload = "boto3/upload-%s-%d" % (algorithm, size)
        s3.upload_fileobj(io.BytesIO(body), task["bucket"], upload, ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=config)
        digests[put] = digests[upload] = hashlib.sha256(body).hexdigest()
json.dump(digests, sys.stdout)
