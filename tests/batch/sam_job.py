"""A job as SAM's clients are: it asks the project for files, makes one of each, declares it, says what became of it."""

import json
import os
import sys
import time
import urllib.request
from urllib.parse import urlencode

STAGE, BAD = sys.argv[1], sys.argv[2:]
BASE = os.environ["SAM_WEB_BASE_URL"]


def ask_sam(
    method: str, url: str, form: dict[str, str] | None = None, body: object = None
) -> tuple[int, str]:
    data = json.dumps(body).encode() if body is not None else urlencode(form or {}).encode()
    kind = "application/json" if body is not None else "application/x-www-form-urlencoded"
    headers = {"Authorization": "Bearer job", "Content-Type": kind}
    request = urllib.request.Request(url, None if method == "GET" else data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read().decode()


def make_child(name: str) -> None:
    """Declare what is made from a file."""
    made = {
        "file_name": f"{STAGE}_{name}",
        "file_size": 10 + len(name),
        "file_type": "unknown",
        "checksum": ["adler32:0a0b0c0d"],
        "event_count": 5,
        "application": {"family": "test", "name": STAGE, "version": os.environ["POMS_VERSION"]},
        "parents": [{"file_name": name}],
    }
    ask_sam("POST", f"{BASE}/files", body=made)
    place = {"add": f"dcache:/pnfs/{made['file_name']}"}
    ask_sam("POST", f"{BASE}/files/name/{made['file_name']}/locations", place)


if "SAM_PROJECT_NAME" not in os.environ:
    # It takes all files of the definition that it was told, as a program without a project does.
    listed = ask_sam("GET", f"{BASE}/definitions/name/{os.environ['POMS_DATASET']}/files/list")[1]
    for name in listed.split():
        make_child(name)
    sys.exit()
where = urlencode({"name": os.environ["SAM_PROJECT_NAME"], "station": os.environ["SAM_STATION"]})
project = ask_sam("GET", f"{BASE}/findProject?{where}")[1].strip()
process = ask_sam("POST", f"{project}/establishProcess", {"appname": STAGE})[1].strip()
while True:
    status, text = ask_sam("POST", f"{project}/process/{process}/getNextFile")
    if status == 204:
        break
    if status == 202:
        time.sleep(1)
        continue
    name = text.split()[1]
    is_bad = "recover" not in os.environ["SAM_PROJECT_NAME"] and name in BAD
    if not is_bad:
        make_child(name)
    done = {"filename": name, "status": "skipped" if is_bad else "consumed"}
    ask_sam("POST", f"{project}/process/{process}/updateFileStatus", done)
ask_sam("POST", f"{project}/process/{process}/endProcess")
