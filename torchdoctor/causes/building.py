"""Building compiled extensions: compilers, ninja and Python's headers."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.causes.compile import INSTALL_MSVC
from torchdoctor.tracebacks import ends_in

_ECHOES = ("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror")

CAUSES = (
    Cause(
        slug="unsupported-gcc",
        title="The host gcc is not one that this CUDA toolkit (or torch) supports",
        why="nvcc hands the host code to gcc and accepts only a range of versions, because newer gcc headers break it. CUDA 11.8 takes "
        "gcc up to 11, 12.4 up to 13, 12.8 up to 14; torch 2.1 and newer want gcc 9 or newer.",
        signs=(
            Sign(r"unsupported GNU version! gcc versions later than (?P<gcc>\d+) are not supported"),
            Sign(r"gcc versions later than (?P<gcc>\d+) are not supported"),
            Sign(
                r"The current installed version of \S*(?:g\+\+|gcc|c\+\+|clang\S*) \((?P<found>[\d.]+\d)\) is (?:greater|less) than the "
                r"(?:maximum|minimum) required version"
            ),
            Sign(r"unsupported clang version! clang version must be"),
            Sign(r"You're trying to build PyTorch with a too old version of GCC"),
            Sign(r"#error .{0,3}C\+\+17 or later compatible compiler is required to use PyTorch"),
            Sign(r"C\+\+17 or later compatible compiler is required"),
            Sign(r"std_function\.h.{0,40}error: parameter packs not expanded with"),
            Sign(r"error: identifier \"(?:_Float32|__builtin_ia32_\w+|_Float32x|_Float64x)\" is undefined", FAIR),
            Sign(r"Your compiler \(?g\+\+ \S{0,20}\)? may be ABI-incompatible with PyTorch", WEAK),
            Sign(r"Your compiler \(.{1,60}\) is not compatible with the compiler Pytorch was built with", WEAK),
        ),
        explains=_ECHOES,
        fixes=(
            Fix(
                "Install a gcc and g++ that the toolkit supports ({gcc|11} or older) and select them with CC, CXX and CUDAHOSTCXX for "
                "the build (or update-alternatives).",
                (
                    "sudo apt install gcc-{gcc|11} g++-{gcc|11}",
                    "export CC=gcc-{gcc|11} CXX=g++-{gcc|11} CUDAHOSTCXX=g++-{gcc|11}",
                    "gcc --version",
                ),
            ),
            Fix(
                "In a conda environment install the compilers there.",
                ("conda install -c conda-forge gxx_linux-64=11",),
            ),
            Fix("Or use a newer CUDA toolkit that supports this gcc, of the major version that torch was built with.", ("nvcc --version",)),
        ),
        wrong_advice="-allow-unsupported-compiler only silences the check; the build often fails later or computes wrongly.",
        decide="gcc --version; nvcc --version",
        examples=(
            "/usr/local/cuda-12.1/include/crt/host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 12 "
            "are not supported! The nvcc flag '-allow-unsupported-compiler' can be used to override this version check",
            "RuntimeError: The current installed version of x86_64-linux-gnu-g++ (14.2.0) is greater than the maximum required version "
            "by CUDA 12.1.",
        ),
        counterexamples=("gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)",),
    ),
    Cause(
        slug="unsupported-msvc",
        title="The Visual Studio version is newer (or older) than this CUDA toolkit supports",
        why="nvcc accepts only the Visual Studio versions that were out when it was made. A newer MSVC stops it with an error in "
        "host_config.h.",
        signs=(
            Sign(r"unsupported Microsoft Visual Studio version! Only the versions between"),
            Sign(r"Only the versions between (?P<first>\d+) and (?P<last>\d+) \(inclusive\) are supported"),
            Sign(r"STL1002: Unexpected compiler version, expected CUDA"),
            Sign(r"expected CUDA (?P<cuda>[\d.]+\d) or newer", FAIR),
        ),
        explains=_ECHOES,
        fixes=(
            Fix(
                "Install the older MSVC build tools that the toolkit supports (Visual Studio 2019 or 2022 Build Tools with an older "
                "v143/v142 toolset) and build from their x64 Native Tools prompt.",
                ("where cl", "nvcc --version"),
            ),
            Fix("Or install a newer CUDA toolkit that supports this Visual Studio, of torch's CUDA major version."),
            Fix(
                "As a stopgap pass -allow-unsupported-compiler to nvcc.",
                ('set NVCC_APPEND_FLAGS="-allow-unsupported-compiler"',),
            ),
        ),
        examples=(
            "C:\\CUDA\\v11.8\\include\\crt/host_config.h(153): fatal error C1189: #error: -- unsupported Microsoft Visual Studio "
            "version! Only the versions between 2017 and 2022 (inclusive) are supported! The nvcc flag '-allow-unsupported-compiler' can "
            "be used",
        ),
        counterexamples=("Microsoft (R) C/C++ Optimizing Compiler Version 19.38 for x64",),
    ),
    Cause(
        slug="msvc-cl-not-found",
        title="The Microsoft C++ compiler cl.exe is not installed or not on PATH",
        why="On Windows extensions are compiled with MSVC. cl.exe comes with the Visual Studio Build Tools and is on PATH only in their "
        "own command prompt.",
        signs=(
            Sign(r"Microsoft Visual C\+\+ 14\.\d+ (?:or greater )?is required"),
            Sign(r"Error checking compiler version for cl\b"),
            Sign(r"Could not find MSVC/GCC/CLANG installation on this computer"),
            Sign(r"Command '\['where', 'cl'\]' returned non-zero exit status"),
            Sign(r"Cannot find compiler 'cl\.exe' in PATH"),
            Sign(r"'cl'? ?\W{0,3}is not recognized as an internal or external command", FAIR),
            Sign(r"Unable to find vcvarsall\.bat"),
            Sign(r"WinError 2\].{0,40}(?:'cl'|cl\.exe)", FAIR),
            Sign(r"nvcc fatal ?: Cannot find compiler", FAIR),
            Sign(r"error: command 'cl\.exe' failed: (?:No such file|None)", FAIR),
            Sign(r"Compiler: cl is not found"),
            Sign(r"\bcl\.exe (?:was )?not found", FAIR),
            Sign(r"DistutilsPlatformError: .{0,40}(?:Visual C\+\+|vcvarsall)", FAIR),
            Sign(r"UserWarning: The detected compiler .{0,20}cl.{0,40}not found", WEAK),
        ),
        unless=(r"unsupported Microsoft Visual Studio version",),
        explains=_ECHOES,
        refines=("torch-compile-cpp-error",),
        fixes=(
            Fix(
                'Install the Visual Studio Build Tools (workload "Desktop development with C++": MSVC and the Windows SDK) and build '
                'from the "x64 Native Tools Command Prompt", where cl.exe is on PATH.',
                (INSTALL_MSVC, "where cl"),
            ),
            Fix(
                "In another prompt run vcvars64.bat first (and set DISTUTILS_USE_SDK=1).",
                ("set DISTUTILS_USE_SDK=1",),
            ),
            Fix("Or install a prebuilt wheel of the package, so that nothing has to be compiled; for torch.compile run eager instead."),
        ),
        examples=(
            'error: Microsoft Visual C++ 14.0 or greater is required. Get it with "Microsoft C++ Build Tools": '
            "https://visualstudio.microsoft.com/visual-cpp-build-tools/",
            "UserWarning: Error checking compiler version for cl: [WinError 2] The system cannot find the file specified",
        ),
        counterexamples=("cl.exe /nologo /O2 /W3 ops.cpp",),
    ),
    Cause(
        slug="gcc-missing",
        title="No C or C++ compiler is installed for building the extension",
        why="The package has to be compiled on this machine, and the compiler that Python or nvcc calls (gcc, g++, c++) does not exist.",
        signs=(
            Sign(r"command '?\S{0,60}(?:gcc|g\+\+|cc1plus|c\+\+|clang)'? failed: No such file or directory"),
            Sign(r"unable to execute '?\S{0,60}(?:gcc|g\+\+|c\+\+|clang)'?: No such file or directory"),
            Sign(r"gcc: (?:fatal )?error: (?:trying|cannot) (?:to )?exec(?:ute|vp)? '?cc1plus"),
            Sign(r"No such file or directory: '(?P<compiler>g\+\+|gcc|c\+\+|x86_64-linux-gnu-g\+\+|cc)'"),
            Sign(r"sh: (?:\d+: )?(?P<compiler>g\+\+|gcc|c\+\+|x86_64-conda-linux-gnu-c\+\+): not found"),
            Sign(r"No CMAKE_CXX_COMPILER could be found"),
        ),
        explains=_ECHOES,
        fixes=(
            Fix("Install the compiler.", ("sudo apt install build-essential",), when="os=linux"),
            Fix(
                "Install gcc and g++ (build-essential, gcc-c++, conda's gxx_linux-64; Xcode command line tools on a Mac), or set CC and "
                "CXX to the ones that are there.",
                ("conda install -c conda-forge gxx_linux-64", "xcode-select --install"),
            ),
        ),
        examples=("error: command 'gcc' failed: No such file or directory",),
        counterexamples=("error: command 'git' failed: No such file or directory",),
    ),
    Cause(
        slug="ninja-missing",
        title="ninja is not installed or not on PATH",
        why="torch builds JIT extensions with the program ninja. The Python package brings it, but only the environment's bin folder has "
        "it, which must be on PATH.",
        signs=(
            Sign(r"Ninja is required to load C\+\+ extensions"),
            Sign(r"Unable to find a suitable ninja binary", FAIR),
            Sign(r"No such file or directory: 'ninja'"),
            Sign(r"ninja: (?:command )?not found"),
            Sign(r"Command '\['ninja', '--version'\]' returned non-zero"),
            Sign(r"Could not find ninja executable", FAIR),
            Sign(r"verify_ninja_availability", WEAK),
            ends_in("torch/utils/cpp_extension.py", "verify_ninja_availability"),
        ),
        explains=_ECHOES,
        fixes=(
            Fix("Install ninja in the environment that runs.", ("python -m pip install ninja", "ninja --version")),
            Fix(
                "If it is installed, put the environment's bin (Scripts) folder on PATH: activate the environment instead of calling its "
                "python by path.",
                ('export PATH="$(dirname $(which python)):$PATH"',),
            ),
        ),
        decide="which ninja; python -m pip show ninja",
        examples=("RuntimeError: Ninja is required to load C++ extensions",),
        counterexamples=("ninja: no work to do.",),
    ),
    Cause(
        slug="python-headers-missing",
        title="Python.h is missing: the Python development headers are not installed",
        why="Compiling an extension (or Triton's launcher at run time) needs the headers of the running Python. Distributions put them "
        "into a separate package.",
        signs=(
            Sign(r"Python\.h: No such file or directory"),
            Sign(r"'Python\.h' file not found"),
            Sign(r"Cannot open include file: 'Python\.h'"),
            Sign(r"pyconfig\.h: No such file or directory"),
            Sign(r"cannot open file 'python\d+\.lib'"),
            Sign(r"runtime[\\/]{1,4}tcc[\\/]{1,4}tcc\.exe", FAIR, also=(r"returned non-zero exit status",)),
        ),
        explains=(*_ECHOES, "torch-compile-cpp-error"),
        refines=("torch-compile-cpp-error",),
        fixes=(
            Fix(
                "Install the development headers of this Python (python3-dev, pythonX.Y-dev; python3-devel on Fedora and RHEL), which "
                "contain Python.h.",
                ("sudo apt install python3-dev", "python3 --version"),
            ),
            Fix(
                "Or use a Python that ships its headers (conda, uv's or python.org's); an embedded Windows Python needs the include and "
                "libs folders of the full installer copied into it.",
                ("uv venv --python 3.12",),
            ),
        ),
        examples=("/tmp/tmp1_x/main.c:5:10: fatal error: Python.h: No such file or directory\n    5 | #include <Python.h>",),
        counterexamples=("python.html: No such file or directory",),
    ),
    Cause(
        slug="ninja-build-failed",
        title="ninja stopped because a compiler command failed; the first compiler error above it is the reason",
        why="torch hands the extension's build to ninja, which only reports that some command ended with an error.",
        signs=(
            Sign(r"ninja: build stopped: subcommand failed", FAIR),
            Sign(r"Command '\['ninja', .{0,60}\]' returned non-zero exit status", FAIR),
            Sign(r"RuntimeError: Error (?:building extension|compiling objects for extension)", FAIR),
            Sign(r"Error building extension '(?P<extension>\w+)'", FAIR),
            Sign(r"torch_extensions/[\w./-]{1,120}\.so: cannot open shared object file", FAIR),
            Sign(r"No module named '(?:fused_adam|cpu_adam|fused_lamb|cpu_adagrad|async_io|transformer_inference|quantizer)'", FAIR),
            Sign(r"error: command '\S{0,80}(?:nvcc|gcc|g\+\+|cl\.exe|ninja)\S{0,8}' failed with exit (?:status|code)", FAIR),
            Sign(r"collect2: error: ld returned 1 exit status", WEAK),
            ends_in("torch/utils/cpp_extension.py", "_run_ninja_build"),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Read the first error of the compiler (search for 'error:' or 'fatal' from the top): that is the cause. Build verbosely "
                "and with one job, so that the lines do not mix.",
                ("export MAX_JOBS=1", "rm -rf ~/.cache/torch_extensions"),
            ),
            Fix(
                "If the compiler was killed, memory was short: lower MAX_JOBS. Else check that nvcc, gcc and torch's CUDA fit each other.",
                ("nvcc --version", "gcc --version", 'python -c "import torch; print(torch.__version__, torch.version.cuda)"'),
            ),
        ),
        examples=("RuntimeError: Error building extension 'cpu_adam'",),
        counterexamples=("ninja: no work to do.",),
    ),
    Cause(
        slug="deepspeed-adam-del-attributeerror",
        title="DeepSpeedCPUAdam's clean-up failed, because its op could not be built",
        why="The constructor failed while compiling the op, so the object has no ds_opt_adam when Python deletes it. The error above it "
        "is the real one.",
        signs=(Sign(r"'DeepSpeedCPU\w+' object has no attribute 'ds_opt_\w+'", FAIR),),
        consequence=True,
        fixes=(
            Fix(
                "Fix the op build error above it: ds_report tells what is missing (nvcc, CUDA_HOME, matching CUDA version, ninja, "
                "Python.h).",
                ("python -m deepspeed.env_report",),
            ),
            Fix("Or use the optimizer of torch instead of the CPU offload one."),
        ),
        examples=("AttributeError: 'DeepSpeedCPUAdam' object has no attribute 'ds_opt_adam'",),
        counterexamples=("AttributeError: 'Trainer' object has no attribute 'opt'",),
    ),
)
