"""Triton, which torch.compile needs on the GPU: missing, without compiler, without libcuda."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="triton-missing",
        title="Triton is not installed, too old, or does not exist for this platform",
        why="torch.compile's inductor backend (and several kernels of other packages) generate GPU code with Triton. On Linux torch "
        "brings it, on Windows and macOS it does not exist officially.",
        signs=(
            Sign(r"Cannot find a working triton installation"),
            Sign(r"TritonMissing"),
            Sign(r"No module named '?triton(?:\.(?!ops)\w+){0,5}'?(?![\w.])", unless=(r"A matching Triton is not available",)),
            Sign(r"DLL load failed while importing libtriton"),
            Sign(r"module 'triton' has no attribute '\w+'", FAIR),
            Sign(r"cannot import name '(?P<name>\w+)' from 'triton[\w.]*'", FAIR),
            Sign(r"No module named 'triton\.(?P<name>ops)\b", FAIR),
            Sign(r"(?:ImportError|RuntimeError|ModuleNotFoundError): .{0,40}[Tt]riton is not installed", FAIR),
            Sign(r"Failed to import Triton kernels", FAIR),
        ),
        unless=(r"partially initialized module 'triton'",),
        refines=("torch-compile-unsupported", "module-not-installed"),
        fixes=(
            Fix(
                "On Windows install the unofficial triton-windows in the version for this torch (3.5 for torch 2.9, 3.4 for 2.8, 3.3 for "
                "2.7, 3.2 for 2.6) into the same Python.",
                ('python -m pip install -U "triton-windows<3.6"',),
                when="os=windows",
            ),
            Fix(
                "Install triton in the version that torch wants (reinstall torch on Linux); on Windows use triton-windows or WSL, on a "
                "Mac there is none.",
                ("python -m pip install -U triton", "python -m pip show torch triton"),
            ),
            Fix(
                "Or run without it: turn torch.compile off and stay in eager mode.",
                ("export TORCHDYNAMO_DISABLE=1",),
                code="torch._dynamo.config.suppress_errors = True  # or leave out torch.compile(...)",
            ),
        ),
        examples=(
            "RuntimeError: Cannot find a working triton installation. Either the package is not installed or it is too old.",
            "ModuleNotFoundError: No module named 'triton'",
            "ImportError: Triton is not installed. Please install it with `pip install triton`.",
        ),
        counterexamples=("A matching Triton is not available, some optimizations will not be enabled.\nstarting server\nready",),
    ),
    Cause(
        slug="triton-no-c-compiler",
        title="Triton (or torch's inductor) needs a C compiler at run time and finds none",
        why="Triton compiles a small launcher in C for every kernel, inductor compiles C++ on the CPU. Neither gcc nor clang (cl on "
        "Windows) is on PATH, as in slim containers.",
        signs=(
            Sign(r"Failed to find C compiler\. Please specify via CC environment variable"),
            Sign(r"Failed to find C compiler"),
            Sign(
                r"No such file or directory: '(?:/usr/(?:local/)?bin/)?(?:gcc|cc|clang|g\+\+)'", FAIR, also=(r"(?:triton|_inductor)[/\\]",)
            ),
            ends_in("triton/common/build.py", "_build", code=r"raise RuntimeError\("),
            ends_in("triton/runtime/build.py", "_build", code=r"raise RuntimeError\("),
        ),
        refines=("torch-compile-cpp-error", "gcc-missing", "torch-compile-unsupported", "msvc-cl-not-found"),
        explains=("triton-missing",),
        fixes=(
            Fix(
                "Install the MSVC build tools (Visual Studio Build Tools, C++ workload) and start from the x64 Native Tools prompt so "
                "that cl is on PATH, or set CC=cl.",
                ("where cl",),
                when="os=windows",
            ),
            Fix(
                "Install a C and C++ compiler (gcc, g++; build-essential; on Windows MSVC's cl) and have it on PATH, or name it in CC "
                "and CXX.",
                ("sudo apt-get install -y build-essential", "export CC=gcc CXX=g++"),
            ),
            Fix("Or run without torch.compile.", ("export TORCHDYNAMO_DISABLE=1",)),
        ),
        wrong_advice="suppress_errors only falls back to eager mode silently; the compiler is still missing.",
        examples=("RuntimeError: Failed to find C compiler. Please specify via CC environment variable.",),
        counterexamples=("C compiler: gcc 11.4",),
    ),
    Cause(
        slug="triton-libcuda-not-found",
        title="Triton cannot find or link libcuda.so",
        why="Triton's launcher is linked with -lcuda, for which the linker wants a file named libcuda.so. ldconfig lists only "
        "libcuda.so.1, or the driver's folder (/usr/lib64-nvidia in Colab) not at all.",
        signs=(
            Sign(r"AssertionError: \S{0,3}libcuda\.so not found", FAIR),
            ends_in("triton/common/build.py", "_build", code=r"libcuda_dirs\(\)"),
            Sign(r"libcuda\.so cannot found"),
            Sign(r"cannot find -lcuda\b"),
            Sign(r"unable to find library -lcuda\b"),
            Sign(r"'-lcuda'.{0,300}returned non-zero exit status", FAIR, unless=(r"Python\.h", r"cuda\.h: No such")),
            Sign(r"Please create a symlink of libcuda\.so to any of the file(?!.{0,40}assert)", FAIR),
            Sign(r"libcuda_dirs\(\)", FAIR, also=(r"(?:AssertionError|CalledProcessError)",)),
            ends_in("triton/common/build.py", "libcuda_dirs"),
            ends_in("backends/nvidia/driver.py", "libcuda_dirs"),
        ),
        refines=("libcuda-missing", "torch-compile-cpp-error", "torch-compile-unsupported"),
        explains=("ninja-build-failed",),
        fixes=(
            Fix(
                "Make libcuda.so visible to linker and loader: ldconfig with the driver's folder, and a symlink libcuda.so beside "
                "libcuda.so.1.",
                (
                    "ldconfig -p | grep libcuda.so",
                    "sudo ln -s libcuda.so.1 /usr/lib/x86_64-linux-gnu/libcuda.so",
                    "sudo ldconfig",
                ),
            ),
            Fix(
                "Without root: put a folder that has libcuda.so on LIBRARY_PATH and LD_LIBRARY_PATH (the toolkit's stubs for linking), "
                "or set TRITON_LIBCUDA_PATH to the driver's folder.",
                (
                    "export LIBRARY_PATH=/usr/local/cuda/lib64/stubs:$LIBRARY_PATH",
                    "export TRITON_LIBCUDA_PATH=/usr/lib/x86_64-linux-gnu",
                ),
            ),
            Fix(
                "In Colab: make ldconfig know /usr/lib64-nvidia.",
                ("echo /usr/lib64-nvidia/ > /etc/ld.so.conf.d/libcuda.conf", "ldconfig"),
            ),
        ),
        examples=(
            '  File "/opt/v/lib/python3.10/site-packages/triton/common/build.py", line 61, in _build\n    cuda_lib_dirs = libcuda_dirs()',
            "/usr/bin/ld: cannot find -lcuda: No such file or directory\ncollect2: error: ld returned 1 exit status",
            "AssertionError: libcuda.so cannot found!",
        ),
        counterexamples=("/usr/bin/ld: cannot find -lfoo: No such file or directory",),
    ),
)
