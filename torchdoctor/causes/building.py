"""Building compiled extensions: compilers, ninja and Python's headers."""

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
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
            Sign(r"Please make sure to use an adequate version of", FAIR),
            Sign(r"/usr/(?:local/)?(?:include|lib/gcc)/(?!thrust|cub|cuda|crt|torch|ATen)\S{1,100}\(\d+\): error", FAIR),
            Sign(r"_M_set_sharable", FAIR),
            Sign(r"error: parameter packs not expanded with", FAIR),
            Sign(r"namespace .{0,3}std.{0,3} has no member .{0,3}\w{3,40}_[vt]\b", FAIR),
            ends_in("torch/utils/cpp_extension.py", "_check_cuda_version", STRONG, code=r"raise RuntimeError\((?!CUDA)"),
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
            Sign(r"unsupported GNU version"),
            Sign(r"gcc (?P<gcc>[\d.]{1,6}) and up are not supported"),
            Sign(r"You need C\+\+(?:14|17|20) to compile PyTorch"),
            Sign(r"C\+\+(?:11|14) or later compatible compiler is required"),
            Sign(r"#error .{0,4}C\+\+(?:14|17|20)\b", FAIR),
            Sign(r"unrecognized command[ -]line option .{1,3}-std=(?:c|gnu)\+\+(?:14|17|20|1z|2a)"),
            Sign(r"error: identifier .(?:__Float\d{2}x\d_t|_Float\w{2,4}|__bf16|__fp16|__builtin_\w{4,40}). is undefined", FAIR),
            Sign(r"exception specification is incompatible with that of previous function", FAIR),
            Sign(r"No supported gcc/g\+\+ host compiler found"),
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
            "/usr/include/c++/13/type_traits(1385): error: type name is not allowed",
            "/usr/include/c++/6/tuple:605:4: error: parameter packs not expanded with '...':",
            'ops.cu(21): error: namespace "std" has no member "is_same_v"',
            '  File "/srv/v/lib/python3.11/site-packages/torch/utils/cpp_extension.py", line 434, in _check_cuda_version\n    raise RuntimeError(',
            "ERROR: No supported gcc/g++ host compiler found, but clang-14 is available. Use 'nvcc -ccbin clang-14' to use that instead.",
            "/usr/local/cuda-10.2/include/crt/host_config.h:138:2: error: #error -- unsupported GNU version! gcc 8 and up are not supported!",
            "ATen/ATen.h:4:2: error: #error C++14 or later compatible compiler is required to use ATen.",
            "#error You need C++17 to compile PyTorch",
            "cc1plus: error: unrecognized command line option '-std=c++17'",
            '/usr/include/x86_64-linux-gnu/bits/mathcalls.h(79): error: exception specification is incompatible with that of previous function "cospi"',
            "/usr/local/cuda-12.1/include/crt/host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 12 "
            "are not supported! The nvcc flag '-allow-unsupported-compiler' can be used to override this version check",
            "RuntimeError: The current installed version of x86_64-linux-gnu-g++ (14.2.0) is greater than the maximum required version "
            "by CUDA 12.1.",
        ),
        counterexamples=(
            "/srv/ops/src/kernel.cu(21): error: type name is not allowed",
            "gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)",
        ),
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
            Sign(r"unsupported Microsoft Visual Studio version"),
            Sign(r"Unexpected compiler version, expected CUDA"),
            Sign(r"Host compiler targets unsupported OS", FAIR),
            Sign(r"unsupported Visual Studio version", FAIR),
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
            'yvals_core.h(931): error: static assertion failed with "error STL1002: Unexpected compiler version, expected CUDA 12.4 or newer."',
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
            ends_in("torch/_inductor/cpp_builder.py", "check_compiler_exist_windows"),
            Sign(r"compiler version for cl\b.{0,6}\[WinError", FAIR),
            Sign(
                r"ģʽ�޷��ҵ",
                FAIR,
                also=(r"(?:cpp_extension|nvcc|ninja|Error building|Building wheel|csrc|setup\.py)",),
            ),
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
            Sign(
                r"Could not find files for the given pattern\(s\)",
                FAIR,
                also=(r"(?:cpp_extension|nvcc|Error building|Building wheel|csrc|setup\.py)",),
            ),
            Sign(r"用提供的模式无法找到文件", FAIR, also=(r"(?:cpp_extension|nvcc|Error building|Building wheel|csrc|setup\.py)",)),
            Sign(r"'cl'? ?\W{0,3}不是内部或外部命令"),
            Sign(r"No such file or directory: 'cl(?:\.exe)?'"),
            Sign(r"cannot find the file specified: 'cl(?:\.exe)?'"),
            Sign(r"Failed to find MSVC"),
            Sign(r"build program corresponding to .{0,3}NMake Makefiles"),
            Sign(r"could not find any instance of Visual Studio"),
            Sign(r"Could not locate a supported Microsoft Visual C\+\+"),
            Sign(r"linker .{0,3}link\.exe.{0,3} not found", FAIR),
            Sign(r"cl\.exe not found in default Visual Studio"),
            Sign(r"cannot open file '(?:msvcprt|kernel32|ucrt|libcmt)\.lib'", FAIR),
            Sign(r"Cannot open include file: '(?:corecrt|crtdefs|stddef|stdint|io|windows|vcruntime)\.h'", FAIR),
            Sign(r"cannot run 'rc\.exe'"),
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
            '  File "C:\\v\\Lib\\site-packages\\torch\\_inductor\\cpp_builder.py", line 147, in check_compiler_exist_windows\n    raise RuntimeError(f"Compiler: {compiler} is not found.") from exc',
            "Emitting ninja build file C:\\t\\torch_extensions\\ops\\build.ninja...\n��Ϣ: ���ṩ��ģʽ�\u07b7��ҵ��ļ���\nTraceback (most recent call last):",
            'CMake Error: CMake was unable to find a build program corresponding to "NMake Makefiles".  CMAKE_MAKE_PROGRAM is not set.',
            "CMake Error at CMakeLists.txt:2 (project):\n  Generator\n    Visual Studio 17 2022\n  could not find any instance of Visual Studio.",
            "'cl' 不是内部或外部命令，也不是可运行的程序或批处理文件。",
            "LINK : fatal error LNK1158: cannot run 'rc.exe'",
            'error: Microsoft Visual C++ 14.0 or greater is required. Get it with "Microsoft C++ Build Tools": '
            "https://visualstudio.microsoft.com/visual-cpp-build-tools/",
            "UserWarning: Error checking compiler version for cl: [WinError 2] The system cannot find the file specified",
        ),
        counterexamples=(
            "INFO: Could not find files for the given pattern(s).\nepoch 1 loss 0.2",
            "cl.exe /nologo /O2 /W3 ops.cpp",
        ),
    ),
    Cause(
        slug="gcc-missing",
        title="No C or C++ compiler is installed for building the extension",
        why="The package has to be compiled on this machine, and the compiler that Python or nvcc calls (gcc, g++, c++) does not exist.",
        signs=(
            Sign(
                r"sh: (?P<compiler>g\+\+|gcc|c\+\+|cc)\W{1,4}(?:未找到命令|找不到命令|command introuvable|commande introuvable|Befehl nicht gefunden|Kommando nicht gefunden|orden no encontrada|no se encontró la orden|comando non trovato|comando não encontrado|команда не найдена|コマンドが見つかりません|不是内部或外部命令|不是內部或外部命令)"
            ),
            Sign(r"sh: (?:\d+: |line \d+: )?(?P<compiler>g\+\+|gcc|c\+\+|cc): command not found"),
            Sign(r"(?:cannot execute|trying to exec|cannot exec) .{0,3}cc1plus"),
            Sign(r"linker .{0,3}\bcc\b.{0,3} not found", FAIR),
            Sign(r"command '?\S{0,60}(?:gcc|g\+\+|cc1plus|c\+\+|clang)'? failed: No such file or directory"),
            Sign(r"unable to execute '?\S{0,60}(?:gcc|g\+\+|c\+\+|clang)'?: No such file or directory"),
            Sign(r"gcc: (?:fatal )?error: (?:trying|cannot) (?:to )?exec(?:ute|vp)? '?cc1plus"),
            Sign(r"No such file or directory: '(?P<compiler>g\+\+|gcc|c\+\+|x86_64-linux-gnu-g\+\+|cc)'"),
            Sign(r"sh: (?:\d+: )?(?P<compiler>g\+\+|gcc|c\+\+|x86_64-conda-linux-gnu-c\+\+): not found"),
            Sign(r"No CMAKE_CXX_COMPILER could be found"),
            Sign(r"Command '\['which', '(?:g\+\+|c\+\+|gcc|clang\+\+)'\]' returned non-zero"),
            Sign(r"No CMAKE_C_COMPILER could be found"),
            Sign(r"invalid active developer path"),
            Sign(r"Failed to preprocess host compiler properties", FAIR),
            Sign(r"(?:which: )?no (?:g\+\+|gcc|c\+\+) in \(/", FAIR),
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
        examples=(
            "bash: g++: 未找到命令",
            "/bin/sh: g++: command not found",
            "g++: fatal error: cannot execute 'cc1plus': execvp: No such file or directory",
            "subprocess.CalledProcessError: Command '['which', 'g++']' returned non-zero exit status 1.",
            "xcrun: error: invalid active developer path (/Library/Developer/CommandLineTools), missing xcrun at: /Library/Developer/CommandLineTools/usr/bin/xcrun",
            "error: command 'gcc' failed: No such file or directory",
        ),
        counterexamples=("error: command 'git' failed: No such file or directory",),
    ),
)
