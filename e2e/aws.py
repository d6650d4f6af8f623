"""Start moto as the AWS of the tests, with one fault of moto 5.2.5 mended.

Usage: aws.py PORT. It ends with its standard input, so that it cannot outlive the
tests however they end.

CloudFormation gives a KMS key its tags as Key and Value, and moto hands them on
to KMS, which calls them TagKey and TagValue: a stack with a tagged key fails.
The stack of build_and_push_image_to_ecr is such a stack.
"""

import os
import sys
import threading

from moto.kms.models import Key
from moto.server import main

create = Key.create_from_cloudformation_json.__func__


def create_with_tags(cls, resource_name, cloudformation_json, *args, **kwargs):
    properties = dict(cloudformation_json["Properties"])
    properties["Tags"] = [
        {"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])
    ]
    mended = cloudformation_json | {"Properties": properties}
    return create(cls, resource_name, mended, *args, **kwargs)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


Key.create_from_cloudformation_json = classmethod(create_with_tags)
threading.Thread(target=end_with_input, daemon=True).start()
main(["-p", sys.argv[1]])
