"""Building packages with pip, and where pip may install: isolation, disk space, the system's Python."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="pip-build-isolation-no-torch",
        title="The package's setup imports torch, but pip builds it in an isolated environment without torch",
        why="pip builds packages in a fresh environment that holds only their declared build requirements. flash-attn, apex, "
        "torch-scatter and others import torch in setup.py without declaring it, so torch is missing there although it is installed "
        "outside.",
        signs=(
            Sign(
                r"No module named '?torch'?(?![\w.])",
                also=(r"(?:likely not a problem with pip|Preparing metadata \((?:setup\.py|pyproject\.toml)\)|\[end of output\])",),
            ),
            Sign(
                r"No module named '?torch'?(?![\w.])",
                also=(r"(?:get_requires_for_build|build_meta\.py|pip-build-env|Getting requirements to build wheel)",),
            ),
            Sign(r"No module named '?torch'?(?![\w.])", also=(r"(?:subprocess-exited-with-error|metadata-generation-failed)",)),
            Sign(
                r"No module named '?torch'?(?![\w.])",
                also=(
                    r"(?:Failed to build|builds-v\d|build_editable|prepare_metadata_for_build|errored out with exit "
                    r"status|[/\\]pip-install)",
                ),
            ),
            Sign(r"No module named '?torch'?(?![\w.])", also=(r"setup\.py (?:egg_info|bdist_wheel|install|develop)",)),
            Sign(
                r"No module named '?(?:packaging|wheel|psutil|ninja|numpy)'?(?![\w.])",
                also=(r"(?:get_requires_for_build|build_meta\.py|pip-build-env)", r"(?:flash[-_]attn|apex|torch)"),
            ),
            Sign(r"`?\S{1,60}`? depends on `?torch`?, but doesn't declare it as a build dependency"),
            Sign(r"invalid command 'bdist_wheel'", FAIR, also=(r"(?:flash[-_]attn|torch|apex)",)),
            Sign(r"(?:PyTorch|torch) (?:must|needs to|has to|should) be installed (?:before|to) build", FAIR),
            Sign(r"[Pp]lease install (?:PyTorch|torch) before (?:building|attempting|installing|running setup)", FAIR),
            Sign(r"Unable to pre-compile ops without torch installed"),
            Sign(r"please install it if you want to pre-compile any deepspeed ops", FAIR),
            Sign(r"No module named '?torch'?(?![\w.])", also=(r"likely not a problem with poetry",)),
            Sign(
                r"Getting requirements to build (?:wheel|editable) did not run successfully",
                FAIR,
                also=(r"No module named '?torch'?(?![\w.])",),
            ),
        ),
        refines=("torch-not-installed-wrong-interpreter", "module-not-installed", "numpy-missing"),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Install torch and the build tools first, then install the package with --no-build-isolation.",
                ("pip install torch wheel setuptools packaging ninja psutil", "pip install --no-build-isolation flash-attn"),
            ),
            Fix("Or install a prebuilt wheel of the package for this torch, CUDA and Python version."),
        ),
        examples=(
            "      ModuleNotFoundError: No module named 'torch'\n      [end of output]\n  note: This error originates from a subprocess, and is likely not a problem with pip.",
            '  × Getting requirements to build wheel did not run successfully.\n      File "<string>", line 19, in <module>\n'
            "      ModuleNotFoundError: No module named 'torch'\n      [end of output]",
            "      [WARNING] Unable to import torch, pre-compiling ops will be disabled.\n      OSError: Unable to pre-compile ops without torch installed. Please install torch before attempting to pre-compile ops.",
            "  × Getting requirements to build wheel did not run successfully.\n      RuntimeError: PyTorch must be installed before building this package",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'torch'",),
    ),
    Cause(
        slug="pip-build-failed",
        title="pip could not build the package; the first error inside the build log is the reason",
        why="There was no wheel for this platform, so pip ran the package's own build, which failed. pip's last lines only say that it "
        "did.",
        signs=(
            Sign(r"error: subprocess-exited-with-error", FAIR),
            Sign(r"error: metadata-generation-failed", FAIR),
            Sign(r"Failed (?:to build|building wheel for) (?P<package>[\w.-]{2,60})", FAIR),
            Sign(r"Could not build wheels for (?P<package>[\w., -]{2,80}), which is required", FAIR),
            Sign(r"ERROR: Failed to build installable wheels for some pyproject\.toml based projects", FAIR),
            Sign(r"Getting requirements to build wheel did not run successfully", FAIR),
            Sign(r"legacy-install-failure", FAIR),
            Sign(r"Encountered error while (?:generating package metadata|trying to install package)", WEAK),
            Sign(r"The build backend returned an error", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Read the first error of the build log (from the top: 'error:', 'fatal', a missing module or compiler) and solve that one.",
                ("pip install -v --no-cache-dir PACKAGE",),
            ),
            Fix(
                "Or avoid the build: upgrade pip and use a version of the package, or of Python, for which a wheel exists.",
                ("python -m pip install -U pip setuptools wheel", "pip install --only-binary :all: PACKAGE"),
            ),
        ),
        examples=("error: metadata-generation-failed\n\n× Encountered error while generating package metadata.",),
        counterexamples=("Successfully built demo\nSuccessfully installed demo-0.1",),
    ),
    Cause(
        slug="pip-no-space-left",
        title="The disk (or pip's temporary folder) ran full while installing",
        why="torch with its CUDA libraries needs about 5 GB for the download and 8 GB unpacked, in the cache, in the temporary folder "
        "and in the environment.",
        signs=(
            Sign(r"\[Errno (?:28|122)\]", FAIR, also=(r"(?:━━━|Collecting \w|\.whl\b)",)),
            Sign(r"No space left on device", FAIR, also=(r"(?:━━━|Collecting \w)", r"(?:\.whl\b|[MG]B/s)")),
            Sign(r"\[Errno 28\] No space left on device", also=(r"(?:Could not install packages|pip[/\\]|\bpip install)",)),
            Sign(r"Could not install packages due to an OSError: \[Errno 28\]"),
            Sign(r"\[Errno 122\] Disk quota exceeded", also=(r"(?:Could not install packages|pip)",)),
            Sign(r"No space left on device \(os error 28\)", also=(r"(?:\buv\b|\.whl|[Ff]ailed to (?:extract|download|install|unpack))",)),
            Sign(r"NoSpaceLeftError: No space left on devices"),
            Sign(r"Could not install packages due to an (?:EnvironmentError|OSError): \[Errno (?:28|122)\]"),
        ),
        explains=("pip-build-failed", "torch-install-broken"),
        refines=(
            "checkpoint-save-failed",
            "dataloader-shm",
        ),
        fixes=(
            Fix(
                "Free space (pip cache purge, old environments), or put the temporary folder and the cache on a larger disk.",
                ("df -h / /tmp ~", "pip cache purge", "TMPDIR=/larger/disk pip install --no-cache-dir torch"),
            ),
            Fix(
                "For a CPU-only use install the CPU wheel, which is a tenth of the size.",
                ("pip install torch --index-url https://download.pytorch.org/whl/cpu",),
            ),
        ),
        examples=(
            "     ━━━━━━━━━━━━━━━━━━━━━━━━ 780.4/780.4 MB 1.2 MB/s eta 0:00:00\nOSError: [Errno 28] No space left on device",
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "error: Failed to install: torch-2.5.1-cp311-cp311-manylinux1_x86_64.whl (torch==2.5.1)\n  Caused by: No space left on device (os error 28)",
            "NoSpaceLeftError: No space left on devices.",
        ),
        counterexamples=("OSError: [Errno 28] No space left on device: 'checkpoints/model.pt'",),
    ),
    Cause(
        slug="pip-externally-managed",
        title="The system's Python refuses pip installs (externally managed environment)",
        why="Debian, Ubuntu, Homebrew and others protect their own Python from pip. Packages belong into a virtual environment.",
        signs=(
            Sign(r"externally-managed-environment"),
            Sign(r"This environment is externally managed"),
            Sign(r"interpreter at \S{1,120} is externally managed"),
        ),
        fixes=(
            Fix(
                "Create a virtual environment and install there.",
                ("python3 -m venv ~/torch-env", "source ~/torch-env/bin/activate", "python -m pip install torch"),
            ),
            Fix("In a throw-away container: --break-system-packages.", ("pip install --break-system-packages torch",)),
        ),
        examples=(
            "error: externally-managed-environment\n\n× This environment is externally managed",
            "error: The interpreter at /usr is externally managed, and indicates the following:",
        ),
        counterexamples=("environment is managed by uv",),
    ),
)
