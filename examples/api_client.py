"""Drafts, submits, signs off, publishes, corrects and follows a site, by the API alone (docs/api.md)."""
import json
import sys
import urllib.request
import uuid


def call(method, path, token="", body=None, etag=""):
    """(JSON, ETag) of an answer; a refusal ends the program and says why."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"If-Match": etag} if etag else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SITE}/api/v1{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer), answer.headers["ETag"]
    except urllib.error.HTTPError as refusal:
        sys.exit(json.load(refusal)["detail"])

def act(record, token, kind, name, **body):
    """Do a step, on the state that was just read; gives the record as it is afterwards."""
    path = f"/units/{record['unit']}/records/{record['id']}"
    _, etag = call("GET", path, token)
    path, body = (f"{path}/transitions/{name}", body) if kind == "transition" else (f"{path}/signoffs", {"name": name, **body})
    return call("POST", path, token, body, etag)[0]

def publish(record):
    """From a finished draft to the public: hand in, two verdicts, approve."""
    record = act(record, CLERK, "transition", "submit")
    for member in MEMBERS:
        act(record, member, "signoff", "supervision", verdict="agree")
    return act(record, APPROVER, "transition", "publish")

if __name__ == "__main__":
    SITE, UNIT, CLERK, APPROVER, *MEMBERS = sys.argv[1:]
    data = {"title": "村道路灯维修", "kind": "affairs", "event_date": "2026-08-28", "summary": "换了六盏路灯。\n一共花了一千二百元。", "body": "路灯都亮了。"}
    record, _ = call("POST", f"/units/{UNIT}/records", CLERK, {"type": "disclosure", "data": data})
    record = publish(record)
    print("published", record["number"], record["url"])
    record = act(record, CLERK, "transition", "correct", data={"kind": "substance", "reason": "灯的数目写少了。"})
    data = {**record["data"], "summary": "换了八盏路灯。\n一共花了一千六百元。"}
    path = f"/units/{UNIT}/records/{record['id']}"
    record, _ = call("PUT", path, CLERK, {"data": data}, call("GET", path, CLERK)[1])
    print("corrected, edition", publish(record)["editions"][-1]["number"])
    changes = {"next": 0, "size": 1}
    while changes["next"] < changes["size"]:
        changes, _ = call("GET", f"/records?since={changes['next']}&limit=50")
        for found in changes["items"]:
            print("follow", found["index"], found["standing"], found["title"])
