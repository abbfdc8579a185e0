# SPDX-License-Identifier: Apache-2.0
"""Checks rendered manifests for what schemas cannot see.

Usage: kubectl kustomize deploy/k8s/overlays/cpu | python deploy/k8s/check_rendered.py

Reads the documents of one overlay from standard input. Prints each fault; exit
code 0 for none, 1 for any. Needs PyYAML.
"""

import re
import sys

import yaml

GPU = "nvidia.com/gpu"


def selects(selector, labels):
    """Whether a non-empty selector matches; an empty one is a fault by itself."""
    return bool(selector) and all(labels.get(k) == v for k, v in selector.items())


def check_gpu(spec):
    for container in spec["containers"]:
        resources = container.get("resources", {})
        asked = resources.get("requests", {}).get(GPU)
        allowed = resources.get("limits", {}).get(GPU)
        if asked != allowed:
            yield f"{container['name']}: {GPU} request {asked} differs from its limit {allowed}"
        if allowed is None:
            continue
        if not any(t.get("key") == GPU for t in spec.get("tolerations", [])):
            yield f"{container['name']}: takes a GPU without a toleration for {GPU}"
        if not spec.get("nodeSelector"):
            yield f"{container['name']}: takes a GPU without a nodeSelector for GPU nodes"


def number(config, key):
    found = re.search(rf"^{key}:\s*([\d.]+)", config, re.MULTILINE)
    return float(found.group(1)) if found else None


def port(config, key):
    found = re.search(rf'^{key}:\s*"0\.0\.0\.0:(\d+)"', config, re.MULTILINE)
    return int(found.group(1)) if found else None


def check_server(spec, config):
    """The pod against the configuration that it mounts."""
    (container,) = spec["containers"]
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    grace = number(config, "shutdown_grace_seconds")
    if grace is None or spec["terminationGracePeriodSeconds"] <= wait + grace:
        yield f"terminationGracePeriodSeconds must exceed preStop {wait} + shutdown grace {grace}"
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    for name, key in (("grpc", "listen"), ("metrics", "metrics_listen")):
        if ports.get(name) != port(config, key):
            yield f"port {name} is {ports.get(name)} but {key} says {port(config, key)}"
    services = {
        "startupProbe": "liveness",
        "livenessProbe": "liveness",
        "readinessProbe": "readiness",
    }
    for probe, service in services.items():
        if container[probe]["grpc"] != {"port": ports["grpc"], "service": service}:
            yield f"{probe} must ask port {ports['grpc']} for {service}"
    device = "cuda" if GPU in container["resources"]["limits"] else "cpu"
    configured = "cuda" if re.search(r'^device:\s*"cuda', config, re.MULTILINE) else "cpu"
    if configured != device:
        yield f"the pod is made for {device} but the configuration says {configured}"
    if "@" not in container["image"] and not container["image"].endswith(f"-{device}"):
        yield f"image {container['image']} is not the {device} image"


def check(documents):
    by_kind = {}
    for document in documents:
        by_kind.setdefault(document["kind"], []).append(document)
    (deployment,) = by_kind["Deployment"]
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    spec = template["spec"]

    yield from check_gpu(spec)

    selectors = [("Deployment", deployment["spec"]["selector"].get("matchLabels"))]
    for service in by_kind["Service"]:
        selectors.append(
            (f"Service {service['metadata']['name']}", service["spec"].get("selector"))
        )
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        for document in by_kind[kind]:
            selectors.append((kind, document["spec"].get(key, {}).get("matchLabels")))
    for constraint in spec["topologySpreadConstraints"]:
        selectors.append(("topologySpread", constraint["labelSelector"].get("matchLabels")))
    for name, selector in selectors:
        if not selects(selector, labels):
            yield f"{name}: selector {selector} does not match the pods' labels"

    for policy in by_kind["NetworkPolicy"]:
        for rule in policy["spec"].get("ingress", []):
            for peer in rule["from"]:
                wanted = peer.get("podSelector", {}).get("matchLabels", {})
                if any(key.startswith("app.kubernetes.io/") for key in wanted):
                    yield f"NetworkPolicy: lets in only pods with the server's own labels: {wanted}"

    mounted = {v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v}
    (config,) = [c for c in by_kind["ConfigMap"] if c["metadata"]["name"] in mounted]
    yield from check_server(spec, config["data"]["m3lungd.textproto"])


def main():
    faults = list(check([d for d in yaml.safe_load_all(sys.stdin) if d]))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
