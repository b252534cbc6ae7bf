"""Macs: two architectures, libraries that are not there, an old macOS."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="macos-arch-mismatch",
        title="x86_64 and arm64 binaries are mixed on this Mac",
        why="The Python that runs is for {need|one architecture}, and the package's library for {have|the other}. That happens when an "
        "Intel Python (Rosetta, an old conda or Homebrew) and packages for Apple silicon, or the reverse, are in one environment.",
        signs=(
            Sign(r"\(mach-o file, b", FAIR),
            Sign(r"missing compatible arch(?:itecture)? in \S", FAIR),
            Sign(r"incompatible architecture \(have '?(?P<have>\w+?)'?, need '?(?P<need>\w+?)'?\)"),
            Sign(r"incompatible architecture"),
            Sign(r"mach-o, but wrong architecture"),
            Sign(r"building for '?macOS-(?P<need>\w+)'?,? but (?:attempting to link|linking) .{0,160}built for '?macOS-(?P<have>\w+)"),
            Sign(r"found architecture '(?P<have>\w+)', required architecture '(?P<need>\w+)'"),
            Sign(r"wrong architecture.{0,60}(?:x86_64|arm64)", FAIR),
            Sign(r"macosx_\d+_\d+_arm64\.whl is not a supported wheel on this platform"),
            Sign(r"Bad CPU type in executable"),
        ),
        refines=("pip-wheel-wrong-platform",),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Install a native arm64 Python (Apple silicon), recreate the venv or conda environment with it, and reinstall torch in it.",
                (
                    'python -c "import platform; print(platform.machine())"',
                    "rm -rf .venv",
                    "/opt/homebrew/bin/python3 -m venv .venv",
                    ".venv/bin/pip install torch torchvision",
                ),
            ),
            Fix("Or use one architecture throughout: x86_64 has wheels only up to torch 2.2.", ('pip install "torch==2.2.2" "numpy<2"',)),
        ),
        decide='python -c "import platform; print(platform.machine())"; file $(which python)',
        examples=(
            "ld: warning: ignoring file /opt/homebrew/lib/libomp.dylib, building for 'macOS-x86_64' but attempting to link with file built for 'macOS-arm64'",
            "OSError: dlopen(/Users/lu/v/lib/python3.11/site-packages/torch/lib/libtorch_global_deps.dylib, 0x000A): tried: '/Users/lu/v/lib/python3.11/site-packages/torch/lib/libtorch_global_deps.dylib' (mach-o file, bu",
            "ImportError: dlopen(/opt/v/lib/python3.8/site-packages/torch/_C.so, 0x0106): missing compatible arch in /opt/v/lib/python3.8/site-packages/torch/_C.so",
            "ImportError: dlopen(/Users/lu/p/.venv/lib/python3.9/site-packages/torch/_C.cpython-39-darwin.so, 0x0002): tried: "
            "'/Users/lu/p/torch/_C.so' (mach-o file, but is an incompatible architecture (have 'arm64', need 'x86_64'))",
            "zsh: bad CPU type in executable: /usr/local/bin/python3",
        ),
        counterexamples=("platform.machine() -> arm64",),
    ),
    Cause(
        slug="macos-library-not-loaded",
        title="A dynamic library that torch was linked with is not on this Mac",
        why="The package was built against {library|a library} of Homebrew or conda, which is not installed in that place here.",
        signs=(
            Sign(
                r"Library not loaded: .{0,3}(?P<library>[\w/@.+-]{0,160}(?:libomp|libc\+\+(?:\.1)?|libopenblas|libjpeg\S{0,4}|"
                r"libpng\S{0,4}|libsndfile)\.?\w*\.?dylib)"
            ),
        ),
        explains=("torch-install-broken",),
        fixes=(
            Fix("Install the library (libomp with Homebrew).", ("brew install libomp",)),
            Fix(
                "Or reinstall torch from PyPI in a clean environment, whose wheel brings its own libraries.",
                ("pip uninstall -y torch", "pip install --no-cache-dir torch"),
            ),
        ),
        examples=(
            "ImportError: dlopen(/opt/v/lib/python3.11/site-packages/torch/_C.so, 0x0002): Library not loaded: "
            "'/opt/homebrew/opt/libomp/lib/libomp.dylib'",
        ),
        counterexamples=("libomp.dylib loaded",),
    ),
    Cause(
        slug="mps-macos-too-old",
        title="The MPS backend is built in, but this macOS is too old for it",
        why="torch's MPS backend needs macOS 12.3 or newer, newer torch releases macOS 13 or 14, and some operations still newer ones. "
        "On an older system torch.backends.mps.is_built() is true and is_available() false.",
        signs=(
            Sign(r"built for macOS (?P<wanted>\d+(?:\.\d+)?) which is newer than running OS"),
            Sign(r"The MPS backend is supported on MacOS \d+(?:\.\d+)?\+"),
            Sign(r"MPS backend is supported on MacOS"),
            Sign(r"MPS not available because the current MacOS version is not \d+"),
            Sign(r"only (?:natively )?supported (?:on|starting from|from) macOS (?P<wanted>\d+(?:\.\d+)?)", FAIR, also=(r"\bMPS\b",)),
            Sign(r"MPS: .{0,120}supported (?:natively )?starting from macOS (?P<wanted>\d+(?:\.\d+)?)"),
            Sign(r"(?:MPS|mps).{0,80}(?:requires|needs|supported (?:on|in|starting)) macOS (?P<wanted>\d\d(?:\.\d)?)", FAIR),
            Sign(r"\bMPS support.{0,120}(?:starting from|since) macOS (?P<wanted>\d+(?:\.\d+)?)"),
            Sign(r"\bMPS\b.{0,120}added in macOS (?P<wanted>\d+(?:[._]\d+)?)"),
            Sign(r"on MPS for (?:pre )?MacOS[ _](?P<wanted>1\d(?:[._]\d)?)"),
            Sign(r"supported by MPS on MacOS (?P<wanted>1\d(?:\.\d)?)"),
            Sign(r"\bMPS\b.{0,80}prior to macOS (?P<wanted>1\d(?:\.\d)?)"),
            Sign(r"MPS .{0,80}only supported on MacOS (?P<wanted>1\d(?:\.\d)?)"),
            Sign(
                r"MPS.{0,40}\bbuilt\W{0,40}True",
                FAIR,
                also=(r"MPS.{0,60}available\W{0,60}False",),
                unless=(r"mac ?OS\W{1,3}(?:1[4-9]|2\d)",),
            ),
            Sign(
                r"mps\.is_built\(\)\W{0,12}True",
                FAIR,
                also=(r"mps\.is_available\(\)\W{0,12}False",),
                unless=(r"mac ?OS\W{1,3}(?:1[4-9]|2\d)",),
            ),
            Sign(
                r"macOS\W{1,3}1[0-2]\.\d\S{0,8}",
                FAIR,
                also=(
                    r"\bbuilt\W{0,40}True",
                    r"MPS.{0,60}available\W{0,60}False",
                ),
            ),
        ),
        fixes=(
            Fix("Upgrade (update) macOS to 14 or newer.", ("sw_vers",), who="user", risk="restart"),
            Fix(
                "Or install an older torch that still supports this macOS (2.4 on macOS 12.3 to 12.7).",
                ('pip install "torch==2.4.1" "torchvision==0.19.1"',),
            ),
            Fix("Or run on the CPU.", code='device = torch.device("cpu")'),
        ),
        decide="sw_vers; python -c 'import torch; print(torch.backends.mps.is_built(), torch.backends.mps.is_available())'",
        refines=(
            "conda-pip-torch-mix",
            "cpp-extension-abi-mismatch",
            "mps-dtype-unsupported",
        ),
        examples=(
            "ImportError: dlopen(/opt/v/lib/python3.11/site-packages/torch/_C.so, 0x0002): Symbol not found: _cblas_caxpy$NEWLAPACK$ILP64\n  Referenced from: /opt/v/lib/python3.11/site-packages/torch/lib/libtorch_cpu.dylib (built for macOS 13.0 which is newer than running OS)",
            "RuntimeError: The MPS backend is supported on MacOS 14.0+. Current OS version can be queried using `sw_vers`",
            "RuntimeError: MPS support binary op with uint8 natively starting from macOS 13.0",
            "RuntimeError: MPS does not support cumsum op with int64 input. Support has been added in macOS 13.3",
            "RuntimeError: Conv3D is only supported on MPS for MacOS 13.2 or newer",
            "RuntimeError: isin_Tensor_Tensor_out only works on floating types on MPS for pre MacOS_14_0. Received dtype: Long",
            ">>> torch.backends.mps.is_built()\nTrue\n>>> torch.backends.mps.is_available()\nFalse\nOS: macOS 12.2.1 (arm64)",
        ),
        counterexamples=(
            "MPS backend available, macOS 15.1",
            "MPS built: True, MPS available: True, macOS 12.6",
        ),
    ),
)
