"""The operating system under torch: libc, libstdc++, the CPU's instructions, crashes in native code."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import CRASH_FIX, CRASHED_IN

CAUSES = (
    Cause(
        slug="glibc-too-old",
        title="The binary needs a newer glibc than this operating system has",
        why="{binary|The module} was compiled on a newer Linux and wants {version|a newer GLIBC}. glibc is the base of the whole system "
        "and cannot be exchanged by itself.",
        signs=(
            Sign(r"version (?P<version>GLIBC_2\.\d+) not defined in file"),
            Sign(r"version [`'\"]?(?P<version>GLIBC_2\.\d+)['\"]? not found \(required by (?P<binary>[^)]{1,200})\)"),
            Sign(r"version [`'\"]?(?P<version>GLIBC_2\.\d+)['\"]? not found"),
            Sign(r"(?P<version>GLIBC_2\.\d+)['\"]? not found"),
            Sign(r"undefined symbol: \w+,? version (?P<version>GLIBC_2\.\d+)"),
        ),
        refines=("flash-attn-abi", "cpp-extension-abi-mismatch"),
        explains=("pip-build-failed",),
        fixes=(
            Fix(
                "Build the package from source on this system, or install an older wheel of it (torch 2.6 and later need glibc 2.28, "
                "flash-attn's newer wheels 2.32).",
                ("ldd --version", "pip install --no-binary :all: --no-build-isolation PACKAGE"),
            ),
            Fix("Or use a newer operating system: a container image based on Ubuntu 22.04, for example, runs on the same host."),
        ),
        wrong_advice="Do not replace libc.so.6 by hand or put another one on LD_LIBRARY_PATH: it breaks the system.",
        decide="ldd --version",
        examples=(
            "/usr/bin/python3: relocation error: /opt/lib/libpthread.so.0: symbol __libc_siglongjmp version GLIBC_2.34 not defined in file libc.so.6 with link time reference",
            "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.32' not found (required by "
            "/opt/v/lib/python3.10/site-packages/flash_attn_2_cuda.so)",
            "symbol lookup error: /opt/v/bin/python3: undefined symbol: __libc_single_threaded, version GLIBC_2.32",
        ),
        counterexamples=("ldd (Ubuntu GLIBC 2.35-0ubuntu3.8) 2.35",),
    ),
    Cause(
        slug="glibcxx-not-found",
        title="The libstdc++ that gets loaded is too old for a compiled module",
        why="The module was compiled with a newer gcc and wants {version|a newer GLIBCXX} from libstdc++.so.6. The one found first "
        "(conda's, or the system's) is older, although a newer one may be on the machine.",
        signs=(
            Sign(r"undefined reference to .{1,200}@(?P<version>(?:GLIBCXX|CXXABI)_[\d.]+\d)"),
            Sign(r"version (?P<version>(?:GLIBCXX|CXXABI)_[\d.]+\d) not defined in file"),
            Sign(r"undefined symbol: _ZSt\d+__throw_\w+", FAIR),
            Sign(r"version [`'\"]?(?P<version>(?:GLIBCXX|CXXABI)_[\d.]+\d)['\"]? not found"),
            Sign(r"(?P<version>(?:GLIBCXX|CXXABI)_[\d.]+\d)['\"]? not found"),
            Sign(r"libstdc\+\+\.so\.6: version"),
            Sign(r"undefined symbol: \w+,? version (?P<version>(?:GLIBCXX|CXXABI)_[\d.]+\d)"),
            Sign(r"libstdc\+\+\.so\.6: cannot open shared object file", FAIR),
        ),
        refines=("flash-attn-abi", "cpp-extension-abi-mismatch"),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Install a newer libstdc++ in the conda environment.",
                ("conda install -c conda-forge libstdcxx-ng", "strings $CONDA_PREFIX/lib/libstdc++.so.6 | grep GLIBCXX"),
            ),
            Fix(
                "Or put the newer libstdc++ first: LD_PRELOAD the system's when conda's is older, or conda's lib folder on "
                "LD_LIBRARY_PATH when the system's is older.",
                ("export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "export LD_LIBRARY_PATH=$CONDA_PREFIX/lib:$LD_LIBRARY_PATH"),
            ),
            Fix("Or compile the extension with an older gcc (CC, CXX), or upgrade the system's gcc.", ("gcc --version",)),
        ),
        decide="strings /usr/lib/x86_64-linux-gnu/libstdc++.so.6 | grep GLIBCXX | tail -3",
        examples=(
            "/usr/bin/ld: libtorch_cpu.so: undefined reference to `std::__throw_bad_array_new_length()@GLIBCXX_3.4.29'",
            "ImportError: /opt/conda/envs/t/bin/../lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by /tmp/ext/fused.so)",
            "ImportError: /opt/v/lib/libopenvino.so: undefined symbol: _ZSt28__throw_bad_array_new_lengthv, version GLIBCXX_3.4.29",
        ),
        counterexamples=("-D_GLIBCXX_USE_CXX11_ABI=0 -fPIC",),
    ),
    Cause(
        slug="cpu-missing-avx",
        title="The CPU (or the virtual machine's CPU type) lacks instructions that the binary uses",
        why="torch and its companions use AVX and AVX2. On an old CPU, or in a virtual machine whose CPU type hides them (QEMU's cpu64 "
        "or kvm64), the first such instruction kills the process.",
        signs=(
            Sign(r"does not meet the minimum requirements for use of the Intel"),
            Sign(r"processor must support the Intel.{0,100}instructions", FAIR),
            Sign(r"worker .{0,30}is killed by signal: Illegal instruction"),
            Sign(r"received signal SIGILL, Illegal instruction"),
            Sign(r"\bIllegal (?:hardware )?instruction(?! *[:(] ?(?:must|argument))"),
            Sign(r"Fatal Python error: Illegal instruction"),
            Sign(r"Signal 4 \(SIGILL\)"),
            Sign(r"exit(?:ed with)? ?code:? -4\b", FAIR),
            Sign(r"trap invalid opcode ip:", FAIR),
            Sign(r"requires a CPU with (?:AVX2?|SSE4)", FAIR),
            Sign(r"\b0xC000001D\b"),
            Sign(r"(?:code|status)\W{1,3}-1073741795\b"),
            Sign(r"interrupted by signal 4\b"),
            Sign(r"(?:sent|signal|received|killed by) SIGILL"),
            Sign(r"\bexit(?:ed with)?(?: status)? code:? 132\b", FAIR),
            Sign(r"compiled to use (?:AVX|SSE|FMA)\S{0,6} instructions, but these aren't available"),
            Sign(r"built with baseline optimizations: .{1,60}but your machine doesn't support"),
            Sign(r"(?:CPU|processor|machine).{0,30}(?:does not|doesn't) support AVX2?\b", WEAK),
        ),
        explains=("dataloader-worker-killed", "rank-segfault", "native-segfault"),
        refines=("mkl-library-conflict",),
        fixes=(
            Fix(
                "In a virtual machine set the CPU type to host (host-passthrough in libvirt, cpu: host in Proxmox), so that AVX and AVX2 "
                "are exposed.",
                ("lscpu | grep -o -w -e avx -e avx2 -e avx512f",),
                who="admin",
                risk="restart",
            ),
            Fix("On a CPU without AVX use another machine, an older version of the package, or build torch from source for this CPU."),
        ),
        decide="lscpu | grep -i -e 'model name' -e avx",
        examples=(
            "Intel MKL FATAL ERROR: This system does not meet the minimum requirements for use of the Intel(R) Math Kernel Library.\nThe processor must support the Intel(R) Supplemental Streaming SIMD Extensions 3 (Intel(R) SSSE3) instructions.",
            "RuntimeError: DataLoader worker (pid 701) is killed by signal: Illegal instruction.",
            "$ python -c 'import torch'\nIllegal instruction (core dumped)",
            "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine.\nAborted (core dumped)",
            "RuntimeError: NumPy was built with baseline optimizations: (X86_V2) but your machine doesn't support: (X86_V2).",
            "Process finished with exit code 132 (interrupted by signal 4:SIGILL)",
            "Worker (pid:9) was sent SIGILL!",
        ),
        counterexamples=(
            "Intel MKL WARNING: Support of Intel(R) Streaming SIMD Extensions 4.2 enabled only processors has been deprecated. Intel oneAPI Math Kernel Library 2025.0 will require Intel(R) Advanced Vector Extensions (Intel(R) AVX) instructions.\nepoch 1 done",
            "TypeError: illegal argument: instruction must be a string",
            "[INFO] this CPU does not support AVX512, using the AVX2 kernels\nready",
        ),
    ),
    Cause(
        slug="native-segfault",
        title="The process died of a segmentation fault in native code",
        why="A compiled library accessed memory it may not. In a torch program that mostly comes from a mix of libraries (two OpenMP or "
        "CUDA versions, an extension for another torch), from a driver in a bad state, or from too little shared memory.",
        signs=(
            Sign(r"Segmentation fault\b", FAIR),
            Sign(r"zsh: segmentation fault", FAIR),
            Sign(r"Fatal Python error: Segmentation fault", FAIR),
            Sign(r"Fatal Python error: Segmentation fault .{0,120}" + CRASHED_IN, FAIR),
            Sign(r"Windows fatal exception: access violation .{0,120}" + CRASHED_IN, FAIR),
            Sign(r"received signal SIGSEGV", FAIR),
            Sign(r"Windows fatal exception: access violation", FAIR),
            Sign(r"\b0xC0000005\b", FAIR),
            Sign(r"segfault at [0-9a-f]+ ip", FAIR),
            Sign(r"interrupted by signal 11\b", FAIR),
            Sign(r"\bexit(?:ed with)?(?: status)? code:? 139\b", FAIR),
            Sign(r"(?:free|munmap_chunk|malloc|realloc)\(\): (?:invalid|corrupted|unaligned|double free)", FAIR),
            Sign(r"double free or corruption", FAIR),
            Sign(r"malloc_consolidate\(\): ", FAIR),
            Sign(r"corrupted (?:size vs\. prev_size|double-linked list)", FAIR),
            Sign(r"\b0xC0000409\b", FAIR),
            Sign(r"\bEXC_BAD_ACCESS\b", FAIR),
            Sign(r"Segfault encountered", FAIR),
            Sign(r"Windows fatal exception: (?:stack overflow|code 0x)", FAIR),
        ),
        consequence=True,
        fixes=(
            CRASH_FIX,
            Fix(
                "Find where: run with faulthandler, the last Python line names the library; look for a library mix named in the output "
                "above it.",
                ("python -X faulthandler train.py", "gdb -ex run -ex bt --args python train.py"),
            ),
            Fix(
                "Then remove the mix: a fresh environment with torch and its companions from one index, no foreign CUDA on "
                "LD_LIBRARY_PATH, extensions rebuilt for this torch.",
                ("python -m venv fresh", "fresh/bin/pip install torch torchvision"),
            ),
        ),
        examples=(
            "$ python infer.py\nloading weights\nSegmentation fault (core dumped)",
            "double free or corruption (!prev)\nAborted (core dumped)",
            "Windows fatal exception: access violation\n\nThread 0x00001f3c (most recent call first):\n"
            '  File "D:\\\\env\\\\lib\\\\site-packages\\\\av\\\\codec.py", line 12 in open',
            "Exception Type:        EXC_BAD_ACCESS (SIGSEGV)",
        ),
        counterexamples=("customer segmentation faulted lines: 3",),
    ),
    Cause(
        slug="executable-stack-refused",
        title="The system refuses a library that asks for an executable stack",
        why="{library|The library} is marked as needing an executable stack. glibc 2.41 and newer (Fedora 42, Debian 13, Arch) and "
        "hardened kernels no longer make the stack executable for a library that is loaded at run time. Older torch, ROCm and "
        "CTranslate2 builds carry that mark without needing it.",
        signs=(
            Sign(r"(?P<library>[\w/.+-]{1,200}\.so[\w.]{0,12}): cannot enable executable stack as shared object requires"),
            Sign(r"cannot enable executable stack"),
        ),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Upgrade the package that brings the library (torch, ctranslate2, the ROCm build): newer builds no longer have the mark.",
                ("python -m pip install -U torch", "python -m pip install -U ctranslate2"),
            ),
            Fix(
                "Or clear the executable-stack mark of the file (patchelf 0.18 or newer; execstack -c does the same).",
                ("patchelf --clear-execstack {library|LIBRARY.so}",),
            ),
            Fix(
                "As a stopgap with glibc 2.41 allow it for one run.",
                ("GLIBC_TUNABLES=glibc.rtld.execstack=2 python train.py",),
            ),
        ),
        examples=("ImportError: libtorch_cpu.so: cannot enable executable stack as shared object requires: Invalid argument",),
        counterexamples=("checking whether the stack is executable... no",),
    ),
)
