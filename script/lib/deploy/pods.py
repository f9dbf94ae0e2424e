"""Reads Kubernetes objects as JSON and prints, as one List, the pods that their controllers would make: PodSecurity
refuses pods and only warns of the objects that have them as templates."""

import json
import sys

objects = json.load(sys.stdin)
pods = []
for each in objects["items"]:
    template = each.get("spec", {}).get("template")
    if template is None:
        continue
    name = f"{each['kind']}-{each['metadata']['name']}".lower()
    metadata = {**template["metadata"], "name": name, "namespace": each["metadata"]["namespace"]}
    spec = template["spec"]
    for claim in each["spec"].get("volumeClaimTemplates", []):
        claimed = {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        spec.setdefault("volumes", []).append(claimed)
    pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
json.dump({"apiVersion": "v1", "kind": "List", "items": pods}, sys.stdout)
