"""`python -m tests.supply`: what the server stands on, written down (dist/) and compared with the known advisories.

The bill of materials is CycloneDX, of this environment, without what only tests and tools need. Knows two command line
tools (the dependency group `audit`). Does not know any package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BILL = Path("dist/overpaint.cdx.json")
PINS = Path("constraints.txt")


def needed(distribution: str, extra: str) -> set[str]:
    """Names of what it needs with that extra, of what that needs, and so on, on this machine."""
    seen: set[tuple[str, str]] = set()
    todo = [(distribution, extra)]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in map(Requirement, metadata.requires(name) or ()):
            if line.marker is None or line.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(line.name), each) for each in ("", *line.extras)]
    return {name for name, _ in seen} - {distribution}


def served(bill: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The same bill, of these packages alone."""
    components = [each for each in bill["components"] if canonicalize_name(each["name"]) in names]
    kept = {each["bom-ref"] for each in components} | {bill["metadata"]["component"]["bom-ref"]}
    dependencies = [
        {"ref": each["ref"], "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in kept]}
        for each in bill["dependencies"]
        if each["ref"] in kept
    ]
    return {**bill, "components": components, "dependencies": dependencies}


def unknown(report: dict[str, Any]) -> str:
    """Why the advisories say nothing of any package asked about; empty if they do."""
    reasons = [entry.get("skip_reason") for entry in report["dependencies"]]
    return str(reasons[0]) if reasons and all(reasons) else ""


def found(report: dict[str, Any]) -> list[str]:
    """One line an advisory."""
    return [
        f"{entry['name']} {entry['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
        for entry in report["dependencies"]
        for each in entry.get("vulns", ())
    ]


def write_bill() -> int:
    """The number of packages in it."""
    tool = [str(Path(sys.executable).with_name("cyclonedx-py")), "environment", "--pyproject", "pyproject.toml"]
    done = subprocess.run([*tool, "--output-format", "JSON", sys.executable], check=True, stdout=subprocess.PIPE)
    bill = served(json.loads(done.stdout), needed("overpaint", "server"))
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(json.dumps(bill, indent=1) + "\n", "utf-8")
    return len(bill["components"])


def ask(pins: str) -> dict[str, Any] | str:
    """pip-audit's report on lines of exact pins; a sentence where the advisories cannot be reached."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", "/dev/stdin", "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, input=pins, capture_output=True, text=True)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:200]
    return unknown(report) or report


def main() -> int:
    print(f"{BILL}: {write_bill()} packages")
    pins = [line for line in PINS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    report = ask(pins[0])  # before all the others are asked about in vain
    if not isinstance(report, str):
        report = ask("\n".join(pins))
    if isinstance(report, str):
        print(f"Advisories: skipped, they are out of reach here: {report}")
        return 0
    print("\n".join(found(report)) or f"Advisories: none on any of {len(pins)} pins")
    return bool(found(report))


if __name__ == "__main__":
    sys.exit(main())
