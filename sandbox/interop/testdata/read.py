"""Reads objects with checksum mode on, by GetObject and by the transfer
manager, and prints the SHA-256 of each as JSON."""
import hashlib
import io
import json
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig

task = json.load(sys.stdin)
s3 = boto3.client("s3", endpoint_url=os.environ["HAUL_ENDPOINT"])
digests = {}
for key in task["keys"]:
    whole = s3.get_object(Bucket=task["bucket"], Key=key, ChecksumMode="ENABLED")["Body"].read()
    parts = io.BytesIO()
    s3.download_fileobj(task["bucket"], key, parts, Config=TransferConfig(multipart_chunksize=3 << 20))
    if parts.getvalue() != whole:
        sys.exit("download_fileobj and get_object of %s differ" % key)
    digests[key] = hashlib.sha256(whole).hexdigest()
json.dump(digests, sys.stdout)
