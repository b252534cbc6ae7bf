"""The nvidia-* packages and triton that this torch requires are installed in the versions it requires.

Why: torch's wheel links to libraries that come as packages of their own, in exact versions. Installing another library can replace them, and pip
says so only in a line that is easily overlooked.
Seen as: "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH", "undefined symbol: ncclCommWindowRegister", "ImportError: ... libnvJitLink".
"""

from __future__ import annotations

import re

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Packages
from torchdoctor.versions import satisfies

_LINE = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w,.-]*\])?\s*\(?(?P<spec>[^;)]*)\)?")
CAUSES = {
    "cudnn": "cudnn-version-incompatible",
    "nccl": "nccl-lib-mismatch",
    "cublas": "cublas-library-conflict",
    "nvjitlink": "nvjitlink-undefined-symbol",
}


@check("TD205", group="install")
def torch_requirements(packages: Packages) -> Findings:
    if not packages.torch_requires:
        yield skip("torch's own requirements are not known here")
        return
    judged = 0
    for line in packages.torch_requires:
        found = _LINE.match(line)
        if not found or "extra ==" in line or not found["name"].startswith(("nvidia-", "triton")):
            continue
        name, spec = re.sub(r"[-_.]+", "-", found["name"]).lower(), found["spec"].replace(" ", "")
        version = packages.version(name)
        if version is None or not spec:
            continue
        judged += 1
        if not satisfies(version, spec):
            cause = next((c for part, c in CAUSES.items() if part in name), None)
            fix = Fix("Install what this torch requires.", (f"pip install '{name}{spec}'",), risk="restart")
            seen = [("METADATA of torch", line), ("installed", f"{name} {version}")]
            yield warn(
                f"torch {packages.version('torch')} requires {name}{spec}, installed is {version}",
                seen,
                [fix],
                cause=cause,
                subject=f"pkg:{name}",
            )
    yield ok(f"{judged} required libraries in the required versions" if judged else "this build brings its libraries itself")
