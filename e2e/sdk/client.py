"""One request for each line of input, with one botocore client."""

import sys

import botocore
import botocore.session

print("botocore", botocore.__version__, flush=True)
client = None
for _ in sys.stdin:
    try:
        # Making a client asks for credentials already; a server makes it in a call.
        client = client or botocore.session.Session().create_client("ecs")
        client.list_clusters()
        print("ok", flush=True)
    except Exception as e:
        print("error", type(e).__name__, str(e).replace("\n", " "), flush=True)
